//go:build linux

// Command creack opens a terminal with github.com/creack/pty, as many programs written
// in Go do, and talks to the program on it like the other openers of the end-to-end
// tests.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/creack/pty"
)

func main() {
	log.SetFlags(0)
	if err := converse(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func converse(child string) error {
	ptm, tty, err := pty.Open()
	if err != nil {
		return err
	}
	var st syscall.Stat_t
	if err := syscall.Stat(tty.Name(), &st); err != nil {
		return err
	}
	fmt.Printf("opened %s owner %d:%d mode %o\n", tty.Name(), st.Uid, st.Gid, st.Mode&0o7777)
	cmd := exec.Command(child)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := tty.Close(); err != nil {
		return err
	}
	r := bufio.NewReader(ptm)
	if err := relay(r, "pts/"); err != nil {
		return err
	}
	if _, err := ptm.WriteString("hello\n"); err != nil {
		return err
	}
	if err := relay(r, "told "); err != nil {
		return err
	}
	if err := pty.Setsize(ptm, &pty.Winsize{Rows: 51, Cols: 133}); err != nil {
		return err
	}
	if _, err := ptm.WriteString("\n"); err != nil {
		return err
	}
	if err := relay(r, "size "); err != nil {
		return err
	}
	if err := ptm.Close(); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return err
	}
	fmt.Println("done")
	return nil
}

// relay prints what comes from the terminal until a line begins with last.
func relay(r *bufio.Reader, last string) error {
	for {
		line, err := r.ReadString('\n')
		fmt.Print(line)
		if err != nil || strings.HasPrefix(line, last) {
			return err
		}
	}
}
