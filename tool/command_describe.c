/* command_describe.c - `loom describe`, `loom size`, and `loom self`: what an image is made of, for
 * people and for the image itself.
 *
 * SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <loom/module.h>

#include "build.h"
#include "command.h"
#include "configure.h"
#include "drawing.h"
#include "fail.h"
#include "options.h"
#include "size/size.h"

static int print_file(const char *path)
{
    char *text = file_read(path);
    if (text == NULL) fail("cannot read %s: %s", path, strerror(errno));
    fputs(text, stdout);
    free(text);
    return 0;
}

static int draw(const char *dot)
{
    if (!drawing_is_possible()) {
        fail("there is no dot, which draws graphs; install it: apt-get install graphviz. `loom "
             "describe --dot` does without");
    }
    return drawing_write(stdout, dot) ? 0 : STATUS_FAILED;
}

int command_describe(int count, char *arguments[])
{
    static const struct argp_option own[] = {
        { "dot", 'd', NULL, 0, "for graphviz", 0 },
        { "svg", 's', NULL, 0, "as a drawing, which follows the reader's light or dark", 0 },
        { 0 },
    };
    struct options options = {
        .name = "describe",
        .words = "Says in words which devices the image has, what each needs, and the keys",
        .arguments = "[APP]",
        .own = own,
        .takes_keys = true,
    };
    options_read(&options, count, arguments);
    if (options.values['d'] != NULL && options.values['s'] != NULL) {
        fail_usage("describe: --dot or --svg, one at a time");
    }
    struct application application = options_application(&options);
    int lock = build_lock(&application);
    if (!configure_if_changed(&application, &options.keys)) return STATUS_FAILED;
    build_unlock(lock);
    if (options.values['s'] != NULL) return draw(application_file(&application, "graph.dot"));
    return print_file(
        application_file(&application, options.values['d'] != NULL ? "graph.dot" : "graph.txt"));
}

int command_size(int count, char *arguments[])
{
    static const struct argp_option own[] = {
        { "json", 'j', NULL, 0, "for programs", 0 },
        { 0 },
    };
    static struct size_report report;
    struct options options = {
        .name = "size",
        .words = "Builds the image and says how many bytes of it each module takes, after what "
                 "nobody uses was dropped; the total is that of size(1)",
        .arguments = "[APP]",
        .own = own,
        .takes_keys = true,
    };
    options_read(&options, count, arguments);
    struct application application = options_application(&options);
    const char *image = build_or_fail(&application, &options.keys, "");
    size_read(&report, image, application_file(&application, "objects.txt"));
    if (options.values['j'] != NULL) {
        size_write_json(stdout, &report, application_name(&application));
    } else {
        size_write_table(stdout, &report);
    }
    return 0;
}

/* A file of SELF in the making. One that says what it said keeps its time, which is part of what is
 * crunched. */
struct self_file {
    const char *path;
    FILE *file;
    char *text;
    size_t length_bytes;
};

static void self_open(struct self_file *self, const char *output, const char *name)
{
    *self = (struct self_file){ .path = text_of("%s/self/%s", output, name) };
    self->file = open_memstream(&self->text, &self->length_bytes);
    if (self->file == NULL) fail("no memory for %s", self->path);
}

static void self_close(struct self_file *self)
{
    if (fclose(self->file) != 0) fail("no memory for %s", self->path);
    const char *before = file_read(self->path);
    if (before != NULL && strcmp(before, self->text) == 0) return;
    FILE *file = fopen(self->path, "w");
    if (file == NULL || fputs(self->text, file) < 0 || fclose(file) != 0) {
        fail("cannot write %s: %s", self->path, strerror(errno));
    }
}

static void self_copy(const char *output, const char *name)
{
    const char *text = file_read(text_of("%s/%s", output, name));
    if (text == NULL) fail("cannot read %s/%s: %s", output, name, strerror(errno));
    struct self_file self;
    self_open(&self, output, name);
    fputs(text, self.file);
    self_close(&self);
}

static void self_draw(const char *output)
{
    if (!drawing_is_possible()) {
        unlink(text_of("%s/self/graph.svg", output));
        notice("without graphviz the image cannot show its graph; apt-get install graphviz, then "
               "loom clean and build again");
        return;
    }
    struct self_file self;
    self_open(&self, output, "graph.svg");
    if (!drawing_write(self.file, text_of("%s/graph.dot", output))) exit(STATUS_FAILED);
    self_close(&self);
}

/* Run by ninja once the image has been linked with nothing to tell about itself: writes what it
 * will tell into OUTPUT/self/. */
int command_self(int count, char *arguments[])
{
    static struct size_report report;
    if (count != 2) fail_usage("`loom self` is run by the build of an image with kv_self()");
    const char *output = arguments[1];
    char *name = file_read(text_of("%s/name.txt", output));
    if (name == NULL) fail("%s: there is no image here", output);
    name[strcspn(name, "\n")] = '\0';

    size_read(&report, text_of("%s/%s.measured", output, name), text_of("%s/objects.txt", output));
    self_copy(output, "graph.dot");
    self_copy(output, "manifest.json");
    self_draw(output);
    struct self_file html;
    self_open(&html, output, "size.html");
    size_write_html(html.file, &report);
    self_close(&html);
    struct self_file json;
    self_open(&json, output, "size.json");
    size_write_json(json.file, &report, name);
    self_close(&json);
    return 0;
}
