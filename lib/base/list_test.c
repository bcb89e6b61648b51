/* list_test.c - the list beside an array.
 *
 * SPDX-License-Identifier: ISC */
#include "base/list.h"

#include "base/units.h"
#include "test/death.h"
#include "test/test.h"

struct item {
    unsigned number;
    struct list_node node;
};

#define ITEMS 16

static struct item items[ITEMS];
static struct list list;

static void begin(void)
{
    list_init(&list);
    for (unsigned i = 0; i < ITEMS; i++)
        items[i] = (struct item){ .number = i };
}

static unsigned number_of(struct list_node *node)
{
    expect(node != NULL);
    return CONTAINER_OF(node, struct item, node)->number;
}

TEST(list_begins_empty)
{
    begin();
    expect(list_is_empty(&list));
    expect(list_first(&list) == NULL);
    expect(list_take(&list) == NULL);
    expect(!list_holds(&items[0].node));
}

TEST(list_keeps_order)
{
    begin();
    list_append(&list, &items[1].node);
    list_append(&list, &items[2].node);
    list_prepend(&list, &items[0].node);
    list_insert_before(&items[2].node, &items[7].node);
    expect(list_first(&list) == &items[0].node);
    expect(list_next(&list, &items[1].node) == &items[7].node);
    expect(list_next(&list, &items[2].node) == NULL);
    static const unsigned wanted[] = { 0, 1, 7, 2 };
    for (size_t i = 0; i < LENGTH_OF(wanted); i++)
        expect_that(number_of(list_take(&list)), ==, wanted[i]);
    expect(list_is_empty(&list));
    expect(!list_holds(&items[7].node));
}

TEST(all_nodes_of_a_list_move_behind_those_of_another)
{
    static const unsigned wanted[] = { 0, 1, 2, 3 };
    struct list other;
    begin();
    list_init(&other);
    list_move_all(&list, &other);
    expect(list_is_empty(&list));
    list_append(&other, &items[0].node);
    list_append(&other, &items[1].node);
    list_move_all(&list, &other);
    expect(list_is_empty(&other));
    list_append(&other, &items[2].node);
    list_append(&other, &items[3].node);
    list_move_all(&list, &other);
    list_remove(&items[0].node);
    list_prepend(&list, &items[0].node);
    for (size_t i = 0; i < LENGTH_OF(wanted); i++)
        expect_that(number_of(list_take(&list)), ==, wanted[i]);
    expect(list_is_empty(&list) && list_is_empty(&other));
}

/* The same in an array, by shifting. */
struct model {
    unsigned numbers[ITEMS];
    size_t count;
};

static void model_insert(struct model *model, size_t at, unsigned number)
{
    for (size_t i = model->count++; i > at; i--)
        model->numbers[i] = model->numbers[i - 1];
    model->numbers[at] = number;
}

static size_t model_remove(struct model *model, unsigned number)
{
    size_t at = 0;
    while (model->numbers[at] != number)
        at++;
    model->count--;
    for (size_t i = at; i < model->count; i++)
        model->numbers[i] = model->numbers[i + 1];
    return at;
}

static void expect_same(const struct model *model)
{
    size_t at = 0;
    const struct list_node *before = &list.head;
    list_for_each (node, &list) {
        expect_that(at, <, model->count);
        expect_that(number_of(node), ==, model->numbers[at]);
        expect(node->prev == before);
        before = node;
        at++;
    }
    expect_that(at, ==, model->count);
    expect(list.head.prev == before);
    expect(list_is_empty(&list) == (model->count == 0));
}

TEST(list_is_what_an_array_is)
{
    struct model model = { .count = 0 };
    uint64_t seed = 8;
    begin();
    for (unsigned round = 0; round < 20000; round++) {
        struct item *item = &items[test_random(&seed) % ITEMS];
        if (list_holds(&item->node)) {
            (void)model_remove(&model, item->number);
            list_remove(&item->node);
        } else if (test_random(&seed) % 2 == 0) {
            model_insert(&model, model.count, item->number);
            list_append(&list, &item->node);
        } else if (model.count == 0 || test_random(&seed) % 2 == 0) {
            model_insert(&model, 0, item->number);
            list_prepend(&list, &item->node);
        } else {
            size_t at = test_random(&seed) % model.count;
            list_insert_before(&items[model.numbers[at]].node, &item->node);
            model_insert(&model, at, item->number);
        }
        expect_same(&model);
    }
}

static void append_twice(void)
{
    begin();
    list_append(&list, &items[0].node);
    list_append(&list, &items[0].node);
}

static void remove_what_is_in_none(void)
{
    begin();
    list_remove(&items[0].node);
}

TEST(list_holds_its_contract)
{
    expect_death(append_twice, "!list_holds(node)");
    expect_death(remove_what_is_in_none, "list_holds(node)");
}
