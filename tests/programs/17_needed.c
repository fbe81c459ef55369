/* build: -Wl,--disable-new-dtags needs: libanswer rpath: $ORIGIN */
#include "check.h"
int answer(void);
int main(void) { return answer() == 42 ? 0 : 1; }
