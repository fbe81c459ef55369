/* build: needs: libanswer */
/* Linked against libanswer.so (CMakeLists.txt): a library that a library needs. */
int answer(void);
int wanted(void) { return answer(); }
