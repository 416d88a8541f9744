// What the emulated machine calls: first in the image, and counting the instructions of each call in a word that the
// measuring program knows.
#include <stdint.h>

int follow(void *ring, const uint16_t *all, uint8_t *frame, void *foot);

static inline uint32_t instret(void) {
    uint32_t n;
    __asm__ volatile("csrr %0, instret" : "=r"(n));
    return n;
}

__attribute__((section(".text.entry"))) int entry(int32_t *words) {
    uint32_t since = instret();
    int events = follow((void *)words[MARKS_ADDRESS], (void *)words[COUNTS_ADDRESS], (void *)words[FRAME_ADDRESS], words);
    *(volatile uint32_t *)SPENT_AT = instret() - since;
    return events;
}
