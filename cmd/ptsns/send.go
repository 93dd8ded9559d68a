package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/user"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/pts"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const sendLong = `Send types TEXT on terminal N of a namespace, or on the one with the lowest number,
as if a person had: the program reads it, and the terminal echoes it or not. It
returns when all is typed. Without --raw these stand for other characters:

  \n \r \t \b \e \0    newline, Enter, tab, backspace, Escape, NUL
  \xHH \uHHHH \\       any byte, any character, a backslash

Several TEXTs are typed one after the other. A TEXT of - is what stdin has, as it
is. With --await, send waits until the program puts out that text, which is looked
for in the output since; the echo of what is typed is part of that.

Exit status 124: it could not be typed, or did not come, in time. What is on the
screen then is on stderr.`

type sendFlags struct {
	raw     bool
	await   string
	timeout time.Duration
}

func newSendCommand() *cobra.Command {
	var f sendFlags
	cmd := &cobra.Command{
		Use:                   "send [FLAGS] NAME[/N] TEXT...",
		DisableFlagsInUseLine: true,
		Short:                 "Type on a terminal",
		Long:                  sendLong,
		Example:               "  ptsns send vs1/0 'make test\\n'\n  ptsns send --await 'login: ' vs1 '\\r'",
		Args:                  usage(cobra.MinimumNArgs(2)),
		ValidArgsFunction:     completeNames(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.send(cmd, args[0], args[1:])
		},
	}
	cmd.Flags().BoolVar(&f.raw, "raw", false, "type TEXT as it is, backslashes too")
	cmd.Flags().StringVar(&f.await, "await", "", "wait until the program puts out `TEXT`")
	addTimeout(cmd.Flags(), &f.timeout)
	return cmd
}

func addTimeout(flags *pflag.FlagSet, timeout *time.Duration) {
	flags.DurationVar(timeout, "timeout", 10*time.Second, "give up after `TIME`, such as 500ms or 1m; 0 is never")
}

func (f *sendFlags) send(cmd *cobra.Command, target string, texts []string) error {
	var keys []byte
	for _, s := range texts {
		typed, err := f.keys(s)
		if err != nil {
			return err
		}
		keys = append(keys, typed...)
	}
	if len(f.await) > hub.MaxPattern {
		return usagef("--await: a text of %d bytes: at most %d", len(f.await), hub.MaxPattern)
	}
	return withTerminal(cmd, target, f.timeout, func(t *control.Terminal) error {
		if f.await == "" {
			return t.Type(string(keys))
		}
		_, err := t.Ask(string(keys), control.Text(f.await))
		return err
	})
}

// keys is what one TEXT types.
func (f *sendFlags) keys(s string) ([]byte, error) {
	switch {
	case s == "-":
		b, err := io.ReadAll(os.Stdin)
		if err != nil {
			return nil, fmt.Errorf("read what to type: %w", err)
		}
		return b, nil
	case f.raw:
		return []byte(s), nil
	}
	keys, err := unescape(s)
	if err != nil {
		return nil, usageError{err}
	}
	return keys, nil
}

var escapes = map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', 'b': '\b', 'e': 0x1b, '0': 0, '\\': '\\'}

// unescape is s with what stands behind backslashes.
func unescape(s string) ([]byte, error) {
	var b []byte
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b = append(b, s[i])
			continue
		}
		i++
		if i == len(s) {
			return nil, fmt.Errorf("%q ends in a single backslash", s)
		}
		if c, ok := escapes[s[i]]; ok {
			b = append(b, c)
			continue
		}
		digits := map[byte]int{'x': 2, 'u': 4}[s[i]]
		if digits == 0 || len(s) < i+1+digits {
			return nil, fmt.Errorf("%q: \\%c is nothing that send knows", s, s[i])
		}
		n, err := strconv.ParseUint(s[i+1:i+1+digits], 16, 16)
		if err != nil {
			return nil, fmt.Errorf("%q: want %d hexadecimal digits after \\%c", s, digits, s[i])
		}
		if digits == 2 {
			b = append(b, byte(n))
		} else {
			b = utf8.AppendRune(b, rune(n))
		}
		i += digits
	}
	return b, nil
}

// exitTimeout is the status of a command whose time is over, as that of timeout(1).
const exitTimeout = 124

// withTerminal does something with a terminal for so long, 0 being without end. A time that
// is over is told with the screen, and is status 124.
func withTerminal(cmd *cobra.Command, target string, timeout time.Duration, f func(*control.Terminal) error) error {
	name, index, err := parseTarget(target)
	if err != nil {
		return err
	}
	if timeout < 0 {
		return usagef("--timeout %v: want a time, 0 for no end", timeout)
	}
	if timeout == 0 {
		timeout = math.MaxInt64
	}
	return withClient(cmd, name, answerTime, func(_ context.Context, client *control.Client) error {
		client.Who = localWho()
		t := client.Terminal(cmd.Context(), index)
		t.Timeout = timeout
		err := f(t)
		if err == nil || errors.As(err, new(exitStatus)) {
			return err
		}
		err = fmt.Errorf("%s: %w", target, err)
		if !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "ptsns: %s: %v\n", cmd.Name(), err)
		return exitStatus(exitTimeout)
	})
}

// idOf names a terminal that was asked for as name, perhaps without an index.
func idOf(name string, index int) string {
	if index < 0 {
		return name
	}
	return pts.ID{Namespace: name, Index: index}.String()
}

// localWho is this user, for the others on a terminal.
func localWho() hub.Who {
	who := hub.Who{Door: "local"}
	if u, err := user.Current(); err == nil {
		who.Name = u.Username
	}
	return who
}
