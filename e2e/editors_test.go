//go:build linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestVim(t *testing.T) {
	need(t, "vim")
	eachPtmx(t, func(t *testing.T, kind string) {
		r := newRuntime(t)
		file := filepath.Join(publicDir(t), "text")
		c := r.console("run", "--name", "vs1", "--ptmx", kind, "--",
			"vim", "-u", "NONE", "-N", "-n", "--cmd", "set ruler", file)
		c.expect(`\x1b\[24;(?s:.*)0,0-1`) // the ruler, on the last line
		c.enter("ifirst line\rsecond lime\x1b")
		c.expect(`second lime`)
		c.resize(40, 100)
		c.expect(`\x1b\[40;(?s:.*)2,11`) // painted again, with the ruler on the new last line
		c.enter(":echo &lines..'x'..&columns\r")
		c.expect(`40x100`)
		c.enter("\r:s/$/!/\r:echo 'sub'.'stituted'\r")
		c.expect(`substituted`)
		c.enter(":wq\r")
		if code := c.wait(); code != 0 {
			t.Errorf("exit status %d", code)
		}
		if after := c.modes(); after != c.before {
			t.Errorf("settings of the outer terminal: %+v, before %+v", after, c.before)
		}
		got, err := os.ReadFile(file)
		if want := "first line\nsecond lime!\n"; err != nil || string(got) != want {
			t.Errorf("saved %q, %v, want %q", got, err, want)
		}
	})
}

func TestLess(t *testing.T) {
	need(t, "less")
	eachPtmx(t, func(t *testing.T, kind string) {
		r := newRuntime(t)
		var text strings.Builder
		for n := range 300 {
			fmt.Fprintf(&text, "line %d, cubed %d\n", n+1, (n+1)*(n+1)*(n+1))
		}
		c := r.console("run", "--name", "vs1", "--ptmx", kind, "--", "less", writeScript(t, text.String()))
		c.expect(`line 1, cubed 1\r\n`)
		c.expect(`line 23, cubed 12167\r\n.*script`)
		c.enter(" ")
		c.expect(`line 46, cubed 97336\r\n`)
		c.enter("/^line 150\r")
		c.expect(`line 150.*, cubed 3375000`)
		c.expect(`line 172, cubed 5088448\r\n`)
		c.enter("G")
		c.expect(`line 300, cubed 27000000\r\n.*END`)
		c.enter("q")
		if code := c.wait(); code != 0 {
			t.Errorf("exit status %d", code)
		}
	})
}

func TestScript(t *testing.T) {
	need(t, "script")
	eachPtmx(t, func(t *testing.T, kind string) {
		r := newRuntime(t)
		typescript := filepath.Join(publicDir(t), "typescript")
		c := startConsole(t, r.command("run", "--name", "vs1", "--ptmx", kind, "--",
			"script", "-q", "-c", "PS1='prompt> ' bash --norc --noediting", typescript), 28, 90)
		c.expect(`prompt> `)
		c.command("tty", `/dev/pts/1\r\n`)
		c.command("stty size", `28 90\r\n`)
		c.resize(29, 91)
		term, ok := r.terminal("vs1", 1)
		if !ok || term.Opener.Comm != "script" || term.Foreground.Comm != "bash" {
			t.Errorf("terminal 1: %+v, there: %v", term, ok)
		}
		c.begin("sh -c 'echo started; exec sleep 1000'")
		c.expect(`^started\r\n`)
		c.enter("\x1a") // to the inner one alone
		c.expect(`Stopped.*\r\nprompt> `)
		c.command("kill -9 %1; wait -f %1", `(?s).*`)
		c.enter("exit 6\n")
		if code := c.wait(); code != 0 && code != 6 { // script's -e decides, and its version
			t.Errorf("exit status %d", code)
		}
		got, err := os.ReadFile(typescript)
		for _, want := range []string{"tty\r\n/dev/pts/1\r\n", "stty size\r\n28 90\r\n", "Stopped"} {
			if err != nil || !strings.Contains(string(got), want) {
				t.Errorf("typescript %q, %v; %q is missing", got, err, want)
			}
		}
	})
}
