/* Modbus TCP server of the benchmarks: a thread per connection, two system calls per request.
 *
 *   tcp_server PORTS DELAY_US CELLS DEAD_UNIT DEAD_PORT DEAD_AFTER_S
 *
 * Listens on PORTS free ports of 127.0.0.1 and prints them as {"ports": [...]}. Each answer is
 * held back DELAY_US after its request came. CELLS = 0 serves the test pattern. DEAD_UNIT (a unit
 * id) and DEAD_PORT (an index) do not answer any more after DEAD_AFTER_S; -1 = none. Ends when
 * stdin does, with a line of counts, so that it never outlives whoever started it. */
#include "device.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MBAP 7
#define MOST_PORTS 64

static struct device_options options;
static micros_t delay_us;
static int dead_port;
static atomic_long answered, unanswered, connections;

struct endpoint {
    int index;
    int socket;
};

/* Answer the frame at `frame`; bytes to send, 0 = stay silent. */
static size_t answer(int index, const uint8_t *frame, size_t length, uint8_t *reply) {
    size_t size = 0;
    if (index != dead_port || now_us() < options.dead_from) {
        size = device_answer(&options, frame[6], index, frame + MBAP, length - MBAP, reply + MBAP);
    }
    if (size == 0) {
        unanswered++;
        return 0;
    }
    memcpy(reply, frame, 4);
    reply[4] = (uint8_t)((size + 1) >> 8);
    reply[5] = (uint8_t)(size + 1);
    reply[6] = frame[6];
    answered++;
    return MBAP + size;
}

static void *serve(void *argument) {
    struct endpoint endpoint = *(struct endpoint *)argument;
    uint8_t buffer[2048], reply[MBAP + PDU_BYTES];
    size_t fill = 0;
    int on = 1;
    free(argument);
    wake_up_in_time();
    setsockopt(endpoint.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    for (;;) {
        ssize_t got = recv(endpoint.socket, buffer + fill, sizeof buffer - fill, 0);
        if (got <= 0) {
            break;
        }
        micros_t came = delay_us ? now_us() : 0;
        fill += (size_t)got;
        size_t start = 0;
        while (fill - start >= MBAP + 1) {
            size_t length = 6 + ((size_t)buffer[start + 4] << 8 | buffer[start + 5]);
            if (length < MBAP + 1 || length > MBAP + PDU_BYTES) {
                goto end; /* not Modbus TCP */
            }
            if (fill - start < length) {
                break;
            }
            size_t size = answer(endpoint.index, buffer + start, length, reply);
            start += length;
            if (size && delay_us) {
                sleep_until_us(came + delay_us);
            }
            if (size && send(endpoint.socket, reply, size, MSG_NOSIGNAL) != (ssize_t)size) {
                goto end;
            }
        }
        memmove(buffer, buffer + start, fill - start);
        fill -= start;
    }
end:
    close(endpoint.socket);
    return NULL;
}

static void *accept_all(void *argument) {
    struct endpoint *listener = argument;
    for (;;) {
        struct endpoint *endpoint = malloc(sizeof *endpoint);
        pthread_t thread;
        endpoint->index = listener->index;
        endpoint->socket = accept(listener->socket, NULL, NULL);
        if (endpoint->socket < 0) {
            free(endpoint);
            continue;
        }
        connections++;
        pthread_create(&thread, NULL, serve, endpoint);
        pthread_detach(thread);
    }
    return NULL;
}

static int listen_anywhere(int *port) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int socket_ = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (socket_ < 0 || bind(socket_, (struct sockaddr *)&address, size) || listen(socket_, 16) ||
        getsockname(socket_, (struct sockaddr *)&address, &size)) {
        perror("tcp_server");
        exit(1);
    }
    *port = ntohs(address.sin_port);
    return socket_;
}

int main(int count, char **arguments) {
    static struct endpoint listeners[MOST_PORTS];
    if (count != 7) {
        fprintf(stderr, "tcp_server PORTS DELAY_US CELLS DEAD_UNIT DEAD_PORT DEAD_AFTER_S\n");
        return 2;
    }
    int ports = atoi(arguments[1]);
    delay_us = atoi(arguments[2]);
    options.cells = atoi(arguments[3]);
    options.dead_unit = atoi(arguments[4]);
    dead_port = atoi(arguments[5]);
    options.dead_from = now_us() + (micros_t)(atof(arguments[6]) * 1e6);
    if (ports < 1 || ports > MOST_PORTS) {
        return 2;
    }
    signal(SIGINT, SIG_IGN); /* Ctrl-C goes to whoever started us; the end of stdin ends us */
    printf("{\"ports\": [");
    for (int index = 0; index < ports; index++) {
        pthread_t thread;
        int port;
        listeners[index].index = index;
        listeners[index].socket = listen_anywhere(&port);
        pthread_create(&thread, NULL, accept_all, &listeners[index]);
        printf("%s%d", index ? ", " : "", port);
    }
    printf("]}\n");
    fflush(stdout);
    char byte;
    while (read(0, &byte, 1) > 0) {
    }
    printf("{\"answered\": %ld, \"unanswered\": %ld, \"connections\": %ld}\n", answered,
           unanswered, connections);
    return 0;
}
