// What all C openers do once they have a terminal with the child on it.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

// relay prints what comes from the terminal until a line begins with last.
static void relay(int ptm, const char *last)
{
	static char line[256];
	static size_t used;
	char c;

	while (read(ptm, &c, 1) == 1) {
		putchar(c);
		if (c != '\n') {
			if (used < sizeof line - 1)
				line[used++] = c;
			continue;
		}
		line[used] = 0;
		used = 0;
		if (strncmp(line, last, strlen(last)) == 0)
			return;
	}
	fail("read");
}

static void type(int ptm, const char *text)
{
	if (write(ptm, text, strlen(text)) != (ssize_t)strlen(text))
		fail("write");
}

static void converse(int ptm, pid_t child)
{
	struct stat st;
	struct winsize size = { .ws_row = 51, .ws_col = 133 };
	const char *name = ptsname(ptm);

	if (!name)
		fail("ptsname");
	if (stat(name, &st))
		fail("stat");
	printf("opened %s owner %d:%d mode %o\n", name, (int)st.st_uid, (int)st.st_gid, st.st_mode & 07777);
	relay(ptm, "pts/");
	type(ptm, "hello\n");
	relay(ptm, "told ");
	if (ioctl(ptm, TIOCSWINSZ, &size))
		fail("TIOCSWINSZ");
	type(ptm, "\n");
	relay(ptm, "size ");
	close(ptm);
	if (waitpid(child, NULL, 0) != child)
		fail("waitpid");
	puts("done");
}
