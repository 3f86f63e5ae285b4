/* Register contents of the devices that the benchmarks read: answers request PDUs. */
#ifndef DEVICE_H
#define DEVICE_H

#include "precise_time.h"

#include <stddef.h>
#include <stdint.h>

#define PDU_BYTES 253
#define UNITS 248

/* What the devices of one program have in common. */
struct device_options {
    int cells; /* 0 = test pattern; else racks of the generic-416s layout with so many cells */
    int dead_unit; /* does not answer any more ...; -1 = none */
    micros_t dead_from; /* ... from this moment on */
};

/* Answer the request `pdu` to `unit` into `reply` (PDU_BYTES); 0 = no answer.
 *
 * Test pattern: holding register a is (a * 257 + number) mod 65536, `number` telling the ports
 * or devices of one program apart. */
size_t device_answer(const struct device_options *options, int unit, int number,
                     const uint8_t *pdu, size_t length, uint8_t *reply);

#endif
