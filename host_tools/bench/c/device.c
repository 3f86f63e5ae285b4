#include "device.h"

enum { READ = 3, WRITE_ONE = 6, WRITE_MANY = 16 };
enum { ILLEGAL_FUNCTION = 1, ILLEGAL_ADDRESS = 2, ILLEGAL_VALUE = 3 };

/* Layout of generic-416s. */
enum { SUMMARY = 0x0000, CONTROL = 0x0100, IDENTITY = 0x0200, CELLS = 0x1000, TEMPS = 0x2000 };
enum { SUMMARY_COUNT = 25, CONTROL_COUNT = 4, IDENTITY_COUNT = 4 };

/* Written by the gateway: contactor command, heartbeat, charge and discharge limit. */
static uint16_t control[UNITS][CONTROL_COUNT];

static unsigned cell_mv(int unit, int cell) {
    return 3270 + (unsigned)(cell * 7 + unit) % 23;
}

static unsigned temp_dc(int unit, int sensor) {
    return 240 + (unsigned)(sensor * 3 + unit) % 17;
}

struct extremes {
    unsigned max, max_index, min, min_index, mean, sum;
};

static struct extremes extremes_of(unsigned (*value)(int, int), int unit, int count) {
    struct extremes found = {.max = 0, .min = 0xFFFF};
    for (int index = 0; index < count; index++) {
        unsigned now = value(unit, index);
        found.sum += now;
        if (now > found.max) {
            found.max = now;
            found.max_index = (unsigned)index;
        }
        if (now < found.min) {
            found.min = now;
            found.min_index = (unsigned)index;
        }
    }
    found.mean = found.sum / (unsigned)count;
    return found;
}

/* One sensor for two cells. */
static int temp_count(int cells) {
    return cells / 2;
}

/* A rack at rest: contactor closed, no alarm, no current, every value consistent. */
static unsigned summary_register(int unit, int offset, int count) {
    struct extremes cells = extremes_of(cell_mv, unit, count);
    struct extremes temps = extremes_of(temp_dc, unit, temp_count(count));
    const unsigned image[SUMMARY_COUNT] = {
        (unsigned)(now_us() / 500000), 0, 1, 0, 0, 0,
        cells.sum / 100, 0, 500, 1000,
        cells.max, cells.max_index, cells.min, cells.min_index, cells.mean,
        temps.max, temps.max_index, temps.min, temps.min_index, temps.mean,
        1570, 1570, 5000, (unsigned)count, (unsigned)temp_count(count),
    };
    return image[offset];
}

static int inside(int address, int base, int count) {
    return address >= base && address < base + count;
}

/* One register; -1 = there is none. */
static int32_t rack_register(int unit, int address, int cells) {
    if (inside(address, SUMMARY, SUMMARY_COUNT)) {
        return (int32_t)(summary_register(unit, address - SUMMARY, cells) & 0xFFFF);
    }
    if (inside(address, CELLS, cells)) {
        return (int32_t)cell_mv(unit, address - CELLS);
    }
    if (inside(address, TEMPS, temp_count(cells))) {
        return (int32_t)temp_dc(unit, address - TEMPS);
    }
    if (inside(address, CONTROL, CONTROL_COUNT)) {
        return control[unit][address - CONTROL];
    }
    if (inside(address, IDENTITY, IDENTITY_COUNT)) {
        const int32_t identity[IDENTITY_COUNT] = {0x4716, 1, cells, temp_count(cells)};
        return identity[address - IDENTITY];
    }
    return -1;
}

static int32_t register_value(const struct device_options *options, int unit, int number,
                              int address) {
    if (options->cells == 0) {
        return (address * 257 + number) & 0xFFFF;
    }
    return rack_register(unit, address, options->cells);
}

static unsigned word(const uint8_t *at) {
    return (unsigned)at[0] << 8 | at[1];
}

static size_t refuse(const uint8_t *pdu, int code, uint8_t *reply) {
    reply[0] = pdu[0] | 0x80;
    reply[1] = (uint8_t)code;
    return 2;
}

static size_t read_registers(const struct device_options *options, int unit, int number,
                             const uint8_t *pdu, uint8_t *reply) {
    int address = (int)word(pdu + 1), count = (int)word(pdu + 3);
    if (count < 1 || count > 125) {
        return refuse(pdu, ILLEGAL_VALUE, reply);
    }
    reply[0] = pdu[0];
    reply[1] = (uint8_t)(2 * count);
    for (int index = 0; index < count; index++) {
        int32_t value = register_value(options, unit, number, address + index);
        if (value < 0 || address + index > 0xFFFF) {
            return refuse(pdu, ILLEGAL_ADDRESS, reply);
        }
        reply[2 + 2 * index] = (uint8_t)(value >> 8);
        reply[3 + 2 * index] = (uint8_t)value;
    }
    return 2 + 2 * (size_t)count;
}

static size_t write_registers(int unit, const uint8_t *pdu, int count, const uint8_t *values,
                              uint8_t *reply) {
    int address = (int)word(pdu + 1);
    if (!inside(address, CONTROL, CONTROL_COUNT) || address + count > CONTROL + CONTROL_COUNT) {
        return refuse(pdu, ILLEGAL_ADDRESS, reply);
    }
    for (int index = 0; index < count; index++) {
        control[unit][address - CONTROL + index] = (uint16_t)word(values + 2 * index);
    }
    for (int index = 0; index < 5; index++) {
        reply[index] = pdu[index];
    }
    return 5;
}

size_t device_answer(const struct device_options *options, int unit, int number,
                     const uint8_t *pdu, size_t length, uint8_t *reply) {
    if (unit < 0 || unit >= UNITS || length < 1) {
        return 0;
    }
    if (unit == options->dead_unit && now_us() >= options->dead_from) {
        return 0;
    }
    if (pdu[0] == READ && length == 5) {
        return read_registers(options, unit, number, pdu, reply);
    }
    if (options->cells && pdu[0] == WRITE_ONE && length == 5) {
        return write_registers(unit, pdu, 1, pdu + 3, reply);
    }
    if (options->cells && pdu[0] == WRITE_MANY && length >= 8 && length == 6u + pdu[5] &&
        pdu[5] == 2 * word(pdu + 3)) {
        return write_registers(unit, pdu, (int)word(pdu + 3), pdu + 6, reply);
    }
    return refuse(pdu, ILLEGAL_FUNCTION, reply);
}
