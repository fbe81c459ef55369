#include "check.h"
int main(void) { exit(0x12307); }
