#include "check.h"
int main(void) { abort(); }
