//go:build linux

package procjob

import (
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/epoll"
	"github.com/ptsns/ptsns/job"
	"github.com/ptsns/ptsns/pts"
)

func BenchmarkProcess(b *testing.B) {
	loop, err := epoll.NewLoop()
	if err != nil {
		b.Fatal(err)
	}
	defer loop.Close()
	s, err := New(loop)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.Run("idle", func(b *testing.B) {
		for b.Loop() {
			_ = s.Process(os.Getpid(), 0, 0).FSUID()
		}
	})
	cmd := exec.Command("cat")
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Skip("needs cat:", err)
	}
	defer func() { in.Close(); _ = cmd.Wait() }()
	var terminal job.Terminal
	terminal.Open(s.Process(cmd.Process.Pid, 0, 0))
	b.Run("with a session", func(b *testing.B) {
		for b.Loop() {
			_ = s.Process(cmd.Process.Pid, 0, 0).FSUID()
		}
	})
	b.Run("in the foreground", func(b *testing.B) {
		for b.Loop() {
			var d job.Debts
			if err := terminal.Check(s.Process(cmd.Process.Pid, 0, 0), pts.SIGTTIN, &d); err != nil {
				b.Fatal(err)
			}
		}
	})
}
