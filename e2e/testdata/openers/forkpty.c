#define _GNU_SOURCE
#include <pty.h>
#include "opener.h"

int main(int argc, char **argv)
{
	struct winsize size = { .ws_row = 20, .ws_col = 70 };
	int ptm;
	pid_t child = argc < 2 ? -1 : forkpty(&ptm, NULL, NULL, &size);

	if (child < 0)
		fail("forkpty");
	if (child == 0) {
		execv(argv[1], argv + 1);
		fail(argv[1]);
	}
	converse(ptm, child);
	return 0;
}
