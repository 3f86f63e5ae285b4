/* Modbus RTU slaves behind a pseudo-terminal, in real time.
 *
 *   rtu_slave BAUD CHARACTER_BITS LATENCY_US CELLS DEAD_UNIT DEAD_AFTER_S
 *
 * Prints {"port": "/dev/pts/N"}. A pseudo-terminal has no baud rate, so both directions are timed
 * here: a request counts as whole one character time per byte after its first byte came; then
 * the slave sees t3.5 of silence, thinks for LATENCY_US, and releases the answer byte by byte at
 * absolute moments. CELLS = 0 serves the test pattern. Every unit 1..247 is there; DEAD_UNIT
 * (-1 = none) only for DEAD_AFTER_S. Ends when stdin does, with a line of counts; `short_gaps` are requests that began
 * less than t3.5 after the last byte of an answer, which a real slave may miss. */
#define _GNU_SOURCE
#include "device.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define FRAME 256

static struct device_options options;
static double character_us;
static micros_t latency_us, silence_us;
static int master;
static int real_time; /* whether the system runs us before other programs */

static long requests, answers, bad_frames, short_gaps, collisions;
static micros_t shortest_gap = -1, answer_ended = -1;
static double late_us; /* sum over answers: last byte behind its moment */

static unsigned crc16(const uint8_t *data, size_t length) {
    unsigned crc = 0xFFFF;
    for (size_t index = 0; index < length; index++) {
        crc ^= data[index];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1;
        }
    }
    return crc;
}

/* Bytes of the request that begins at `frame`; 0 = more bytes are needed to tell. */
static size_t request_length(const uint8_t *frame, size_t fill) {
    if (fill < 7) {
        return fill >= 2 && frame[1] < 15 ? 8 : 0;
    }
    return frame[1] == 15 || frame[1] == 16 ? 9u + frame[6] : 8;
}

static int input_within(micros_t timeout_us) {
    struct pollfd polled = {.fd = master, .events = POLLIN};
    struct timespec timeout = {.tv_sec = timeout_us / 1000000,
                               .tv_nsec = timeout_us % 1000000 * 1000};
    return ppoll(&polled, 1, &timeout, NULL) > 0;
}

/* Wait for input; 0 when stdin has ended. */
static int wait_for_request(void) {
    struct pollfd polled[2] = {{.fd = master, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    char byte;
    poll(polled, 2, -1);
    return !(polled[1].revents && read(0, &byte, 1) <= 0);
}

static void release(const uint8_t *frame, size_t length, micros_t start) {
    size_t sent = 0;
    while (sent < length) {
        sleep_until_us(start + (micros_t)((double)(sent + 1) * character_us));
        answer_ended = now_us(); /* before the write: we may be put aside behind it */
        size_t due = (size_t)((double)(answer_ended - start) / character_us);
        if (due > length) {
            due = length;
        }
        if (due > sent) {
            ssize_t written = write(master, frame + sent, due - sent);
            sent += written > 0 ? (size_t)written : 0;
        }
    }
    late_us += (double)(answer_ended - start) - (double)length * character_us;
    answers++;
    if (input_within(0)) {
        collisions++;
    }
}

static void note_gap(micros_t began) {
    requests++;
    if (answer_ended < 0) {
        return;
    }
    micros_t gap = began - answer_ended;
    if (shortest_gap < 0 || gap < shortest_gap) {
        shortest_gap = gap;
    }
    if (gap < silence_us) {
        short_gaps++;
    }
}

static void take_request(const uint8_t *frame, size_t length, micros_t began) {
    uint8_t reply[FRAME];
    note_gap(began);
    answer_ended = -1; /* after silence the next gap has no beginning */
    if (crc16(frame, length) != 0) {
        bad_frames++;
        return;
    }
    size_t size = device_answer(&options, frame[0], 0, frame + 1, length - 3, reply + 1);
    if (size == 0) {
        return;
    }
    reply[0] = frame[0];
    unsigned crc = crc16(reply, size + 1);
    reply[size + 1] = (uint8_t)crc;
    reply[size + 2] = (uint8_t)(crc >> 8);
    micros_t whole = began + (micros_t)((double)length * character_us);
    release(reply, size + 3, whole + silence_us + latency_us);
}

/* A slave of hardware waits for no other program; only a privileged user may ask for that. */
static int ahead_of_others(void) {
    struct sched_param lowest = {.sched_priority = sched_get_priority_min(SCHED_FIFO)};
    return sched_setscheduler(0, SCHED_FIFO, &lowest) == 0;
}

/* Raw, and a read of the gateway's blocking descriptor returns at once with what is there. */
static int make_raw(int terminal) {
    struct termios settings;
    if (tcgetattr(terminal, &settings)) {
        return -1;
    }
    cfmakeraw(&settings);
    settings.c_cc[VMIN] = 0;
    settings.c_cc[VTIME] = 0;
    return tcsetattr(terminal, TCSANOW, &settings);
}

static int open_terminal(void) {
    master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) || unlockpt(master)) {
        return -1;
    }
    /* kept open: without any open end the master would read an error instead of waiting */
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
    return terminal < 0 ? -1 : make_raw(terminal);
}

static void serve(void) {
    uint8_t frame[FRAME];
    size_t fill = 0;
    micros_t began = 0;
    while (wait_for_request()) {
        ssize_t got = input_within(0) ? read(master, frame + fill, sizeof frame - fill) : 0;
        if (got <= 0) {
            continue;
        }
        if (fill == 0) {
            began = now_us();
        }
        fill += (size_t)got;
        size_t length = request_length(frame, fill);
        while (length == 0 || fill < length) { /* the rest, or the silence that ends a frame */
            if (fill == sizeof frame || !input_within(silence_us + 2000)) {
                break;
            }
            got = read(master, frame + fill, sizeof frame - fill);
            fill += got > 0 ? (size_t)got : 0;
            length = request_length(frame, fill);
        }
        take_request(frame, fill, began);
        fill = 0;
    }
}

int main(int count, char **arguments) {
    if (count != 7) {
        fprintf(stderr, "rtu_slave BAUD CHARACTER_BITS LATENCY_US CELLS DEAD_UNIT DEAD_AFTER_S\n");
        return 2;
    }
    int baud = atoi(arguments[1]);
    character_us = 1e6 * atoi(arguments[2]) / baud;
    silence_us = baud > 19200 ? 1750 : (micros_t)(3.5 * 11 * 1e6 / baud);
    latency_us = atoi(arguments[3]);
    options.cells = atoi(arguments[4]);
    options.dead_unit = atoi(arguments[5]);
    options.dead_from = now_us() + (micros_t)(atof(arguments[6]) * 1e6);
    signal(SIGINT, SIG_IGN);
    wake_up_in_time();
    real_time = ahead_of_others();
    if (open_terminal()) {
        perror("rtu_slave");
        return 1;
    }
    printf("{\"port\": \"%s\"}\n", ptsname(master));
    fflush(stdout);
    serve();
    printf("{\"requests\": %ld, \"answers\": %ld, \"bad_frames\": %ld, \"short_gaps\": %ld,"
           " \"shortest_gap_us\": %lld, \"collisions\": %ld, \"late_us\": %.1f,"
           " \"real_time\": %s}\n",
           requests, answers, bad_frames, short_gaps, (long long)shortest_gap, collisions,
           answers ? late_us / (double)answers : 0.0, real_time ? "true" : "false");
    return 0;
}
