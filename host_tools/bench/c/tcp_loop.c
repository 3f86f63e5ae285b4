/* The bound of every Modbus TCP client: send, receive, check the length, again.
 *
 *   tcp_loop PORT REGISTERS SECONDS
 *
 * Prints {"requests": n, "seconds": s}; the clock is read every 32 requests and the last value is
 * checked at the end. */
#include "precise_time.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define BATCH 32
#define WARM_UP 200
#define ADDRESS 16

static uint8_t request[12] = {0, 0, 0, 0, 0, 6, 1, 3, 0, ADDRESS, 0, 0};
static uint8_t reply[260];
static int transaction;

static void fail(const char *why) {
    fprintf(stderr, "tcp_loop: %s\n", why);
    exit(1);
}

static void exchange(int socket_, ssize_t expected) {
    ssize_t fill = 0;
    transaction = (transaction + 1) & 0xFFFF;
    request[0] = (uint8_t)(transaction >> 8);
    request[1] = (uint8_t)transaction;
    if (send(socket_, request, sizeof request, 0) != sizeof request) {
        fail("send failed");
    }
    while (fill < expected) {
        ssize_t got = recv(socket_, reply + fill, (size_t)(expected - fill), 0);
        if (got <= 0) {
            fail("receive failed");
        }
        fill += got;
    }
    if (reply[0] != request[0] || reply[1] != request[1]) {
        fail("wrong transaction id");
    }
}

int main(int count, char **arguments) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    int on = 1, socket_ = socket(AF_INET, SOCK_STREAM, 0);
    if (count != 4) {
        fail("PORT REGISTERS SECONDS");
    }
    int registers = atoi(arguments[2]);
    micros_t span_us = (micros_t)(atof(arguments[3]) * 1e6);
    ssize_t expected = 9 + 2 * registers;
    request[11] = (uint8_t)registers;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)atoi(arguments[1]));
    if (connect(socket_, (struct sockaddr *)&address, sizeof address)) {
        fail("connect failed");
    }
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    for (int index = 0; index < WARM_UP; index++) {
        exchange(socket_, expected);
    }
    long requests = 0;
    micros_t start = now_us(), elapsed;
    do {
        for (int index = 0; index < BATCH; index++) {
            exchange(socket_, expected);
        }
        requests += BATCH;
        elapsed = now_us() - start;
    } while (elapsed < span_us);
    int last = reply[expected - 2] << 8 | reply[expected - 1];
    if (last != (((ADDRESS + registers - 1) * 257) & 0xFFFF)) {
        fail("wrong value");
    }
    printf("{\"requests\": %ld, \"seconds\": %.6f}\n", requests, (double)elapsed / 1e6);
    return 0;
}
