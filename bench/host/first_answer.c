/* first_answer.c - how long it takes from fork to the first answered request.
 *
 *     first_answer ADDRESS PORT TARGET PROGRAM [ARGUMENT...]
 *
 * Forks and runs the program, tries to connect until it listens, asks for the target and waits for
 * the first bytes of the answer. Prints the nanoseconds, then ends the program with SIGTERM. A
 * program of its own, in C, because what is measured takes less time than an interpreter needs for
 * a fork.
 *
 * A process that does not listen yet refuses at once; of a machine that does not run yet nothing is
 * heard, and Linux would ask again a second later only. So a new attempt is made every half
 * millisecond, and the first that succeeds counts.
 *
 * SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ATTEMPTS_MAX 64 /* then the oldest is given up */

static const int64_t GIVE_UP_NS = 10000000000;
static const struct timespec ATTEMPT = { .tv_nsec = 500000 };
static const struct timeval PATIENCE = { .tv_sec = 10 };

struct attempts {
    struct pollfd list[ATTEMPTS_MAX];
    nfds_t count;
};

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static pid_t program_start(char *words[])
{
    pid_t process = fork();
    if (process == 0) {
        (void)execvp(words[0], words);
        fprintf(stderr, "first_answer: cannot run %s: %s\n", words[0], strerror(errno));
        _exit(127);
    }
    return process;
}

static void attempt_end(struct attempts *attempts, nfds_t which)
{
    (void)close(attempts->list[which].fd);
    attempts->count--;
    memmove(&attempts->list[which], &attempts->list[which + 1],
            (attempts->count - which) * sizeof attempts->list[0]);
}

static void attempt_begin(struct attempts *attempts, const struct sockaddr_in *server)
{
    if (attempts->count == ATTEMPTS_MAX) attempt_end(attempts, 0);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)connect(descriptor, (const struct sockaddr *)server, sizeof *server);
    attempts->list[attempts->count++] = (struct pollfd){ .fd = descriptor, .events = POLLOUT };
}

/* Asks on a connection, and reads the beginning of the answer. */
static int is_answered(int connection, const char *request)
{
    char answer[16];
    size_t length = strlen(request);
    (void)fcntl(connection, F_SETFL, 0);
    (void)setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &PATIENCE, sizeof PATIENCE);
    return send(connection, request, length, MSG_NOSIGNAL) == (ssize_t)length &&
           recv(connection, answer, sizeof answer, MSG_WAITALL) == sizeof answer &&
           memcmp(answer, "HTTP/1.1 200", 12) == 0;
}

/* Whether one of the attempts is answered; those that were refused are at their end. */
static int attempts_look(struct attempts *attempts, const char *request)
{
    int answered = 0;
    (void)ppoll(attempts->list, attempts->count, &ATTEMPT, NULL);
    for (nfds_t i = attempts->count; i > 0 && !answered; i--) {
        short events = attempts->list[i - 1].revents;
        if (events == 0) continue;
        answered = events == POLLOUT && is_answered(attempts->list[i - 1].fd, request);
        attempt_end(attempts, i - 1);
    }
    return answered;
}

static int has_ended(pid_t process)
{
    return waitpid(process, NULL, WNOHANG) == process;
}

int main(int count, char *words[])
{
    if (count < 5) {
        fprintf(stderr, "usage: first_answer ADDRESS PORT TARGET PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    struct sockaddr_in server = { .sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(words[2])) };
    if (inet_pton(AF_INET, words[1], &server.sin_addr) != 1) {
        fprintf(stderr, "first_answer: %s is no IPv4 address\n", words[1]);
        return 2;
    }
    char request[512];
    (void)snprintf(request, sizeof request, "GET %.400s HTTP/1.1\r\nHost: bench\r\n\r\n", words[3]);
    static struct attempts attempts;
    int64_t begin_ns = now_ns();
    pid_t process = program_start(words + 4);
    int answered = 0, ended = 0;
    while (!answered && !ended && now_ns() - begin_ns < GIVE_UP_NS) {
        attempt_begin(&attempts, &server);
        answered = attempts_look(&attempts, request);
        if (!answered) ended = has_ended(process);
    }
    int64_t end_ns = now_ns();
    if (!ended) {
        (void)kill(process, SIGTERM);
        (void)waitpid(process, NULL, 0);
    }
    if (!answered) {
        fprintf(stderr, "first_answer: %s did not answer\n", words[4]);
        return 1;
    }
    printf("%lld\n", (long long)(end_ns - begin_ns));
    return 0;
}
