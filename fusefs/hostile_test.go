//go:build linux

package fusefs

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// What one process does to its ptm must not hold up the others. These scenarios have no
// counterpart on the kernel's ptmx.
func TestHostile(t *testing.T) {
	needFuse(t)
	for name, want := range map[string][]string{
		"hostile appending": {"appending: write 0 EAGAIN", `another terminal: "hello"`, `started again: "tail"`},
		"hostile offset":    {"far away: write EAGAIN", `another terminal: "hello"`},
		"hostile mapping":   {"fault: EFAULT", `another terminal: "hello"`, "the terminal's bytes: kept"},
		"hostile memory": {"root's TCGETS: ok", `another terminal: "hello"`, "many: signal: killed",
			"after them: ok", `another terminal: "hello"`},
		"slow memory": {"TIOCSWINSZ: ok", "size {0 0 0 0}"},
	} {
		for _, on := range []kind{onTap, onVirtual} {
			t.Run(name+"/"+string(on), func(t *testing.T) {
				got, _ := runScenario(t, name, on)
				if d := cmp.Diff(want, strings.Split(strings.TrimSpace(got), "\n")); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
			})
		}
	}
}

func init() {
	hostile := func(run func(*stage)) scenario { return scenario{run: run, notCompared: true} }
	scenarios["hostile appending"] = hostile(hostileAppending)
	scenarios["hostile offset"] = hostile(hostileOffset)
	scenarios["hostile mapping"] = hostile(hostileMapping)
	scenarios["hostile memory"] = hostile(hostileMemory)
	scenarios["slow memory"] = hostile(slowMemory)
	parts["has memory that never answers"] = neverAnswers
}

// another shows that another terminal works in both directions.
func (s *stage) another() {
	m, p := s.rawPair()
	s.put(m, "hel")
	s.put(p, "lo")
	s.say("another terminal: %q", string(s.readExactly(p, 3))+string(s.readExactly(m, 2)))
}

// hostileAppending would wait with the file locked against every writer.
func hostileAppending(s *stage) {
	m, p := s.rawPair()
	_, err := unix.FcntlInt(uintptr(m), unix.F_SETFL, unix.O_APPEND)
	s.must(err, "F_SETFL")
	s.flow(m, unix.TCOOFF)
	s.write("appending", m, "lost")
	s.another()
	s.flow(m, unix.TCOON)
	s.put(m, "tail")
	s.say("started again: %q", s.readExactly(p, 4))
}

// hostileOffset writes where the file ends, for which it is locked as well.
func hostileOffset(s *stage) {
	m, _ := s.rawPair()
	s.flow(m, unix.TCOOFF)
	data := []byte("lost")
	const rwfAppend = 0x10
	iov := unix.Iovec{Base: &data[0], Len: uint64(len(data))}
	_, _, errno := unix.Syscall6(unix.SYS_PWRITEV2, uintptr(m), uintptr(unsafe.Pointer(&iov)), 1, ^uintptr(0), ^uintptr(0), rwfAppend)
	s.say("far away: write %s", name(errno))
	s.another()
}

// hostileMapping touches a mapping of the file, which would wait for output with a page
// locked that every writer needs.
func hostileMapping(s *stage) {
	m, p := s.rawPair()
	b, err := unix.Mmap(m, 0, pageSize, unix.PROT_READ, unix.MAP_PRIVATE)
	s.must(err, "mmap")
	s.say("fault: %s", name(s.touch(b)))
	s.another()
	s.put(p, "kept")
	s.say("the terminal's bytes: %s", s.readExactly(m, 4))
}

// touch reads memory without the SIGBUS that it may bring.
func (s *stage) touch(b []byte) error {
	var pipe [2]int
	s.must(unix.Pipe(pipe[:]), "pipe")
	_, err := unix.Write(pipe[1], b[:1])
	return err
}

// slowPage is memory whose content is not there before somebody gives it.
type slowPage struct {
	fd      int // userfaultfd
	address uintptr
}

func (s *stage) slowPage() slowPage {
	const (
		apiVersion   = 0xaa
		modeMissing  = 1
		uffdAPI      = 0xc018aa3f
		uffdRegister = 0xc020aa00
	)
	fd, _, errno := unix.Syscall(unix.SYS_USERFAULTFD, unix.O_CLOEXEC, 0, 0)
	if errno != 0 {
		s.must(errno, "userfaultfd")
	}
	api := [3]uint64{apiVersion}
	_, err := ioctl(int(fd), uffdAPI, uintptr(unsafe.Pointer(&api)))
	s.must(err, "UFFDIO_API")
	b, err := unix.Mmap(-1, 0, pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	s.must(err, "mmap")
	address := uintptr(unsafe.Pointer(&b[0]))
	register := [4]uint64{uint64(address), pageSize, modeMissing}
	_, err = ioctl(int(fd), uffdRegister, uintptr(unsafe.Pointer(&register)))
	s.must(err, "UFFDIO_REGISTER")
	return slowPage{int(fd), address}
}

// appear waits until somebody misses the page, and fills it with zeros.
func (s *stage) appear(p slowPage, before func()) {
	const zeroPage = 0xc020aa04
	_ = s.readExactly(p.fd, 32) // the message of the fault
	before()
	zero := [4]uint64{uint64(p.address), pageSize}
	_, err := ioctl(p.fd, zeroPage, uintptr(unsafe.Pointer(&zero)))
	s.must(err, "UFFDIO_ZEROPAGE")
}

// hostileMemory is a user with more calls whose memory never answers than there are
// turns. Only that user waits, and killing what waits ends it.
func hostileMemory(s *stage) {
	m, _ := s.rawPair()
	cmd, talk, heard := s.part("has memory that never answers", &unix.SysProcAttr{}, m)
	s.line(heard)
	_, err := unix.IoctlGetTermios(m, unix.TCGETS)
	s.say("root's TCGETS: %s", name(err))
	s.another()
	s.must(cmd.Process.Kill(), "killing")
	s.ends("many", cmd, talk, heard)
	s.asNobody(func() {
		_, err := unix.IoctlGetTermios(m, unix.TCGETS)
		s.say("after them: %s", name(err))
	})
	s.another()
}

func neverAnswers(s *stage) {
	page := s.slowPage()
	var in sync.WaitGroup
	for i := range maxTurns + 4 {
		req := uint32(unix.TIOCGWINSZ)
		if i%2 == 0 {
			req = unix.TIOCSWINSZ
		}
		in.Add(1)
		go s.asNobody(func() {
			tid := unix.Gettid()
			go func() {
				s.untilIn(tid, unix.SYS_IOCTL)
				in.Done()
			}()
			_, err := ioctl(3, req, page.address)
			s.say("came back: %s", name(err))
		})
	}
	_ = s.readExactly(page.fd, 32) // one has come to the page
	in.Wait()
	s.say("all are in")
	select {}
}

// slowMemory is an ioctl that a signal meets in the middle: it ends when it is done.
func slowMemory(s *stage) {
	m, _ := s.rawPair()
	page := s.slowPage()
	handled := s.handle(unix.SIGUSR1, false)
	tid, done := s.thread(func() {
		_, err := ioctl(m, unix.TIOCSWINSZ, page.address)
		s.say("TIOCSWINSZ: %s", name(err))
	})
	s.appear(page, func() { s.signalThread(tid, unix.SIGUSR1) })
	<-done
	<-handled
	size, err := unix.IoctlGetWinsize(m, unix.TIOCGWINSZ)
	s.must(err, "TIOCGWINSZ")
	s.say("size %v", *size)
	runtime.KeepAlive(page)
}

// TestTurns checks that one user's calls wait for each other and for nobody else's.
func TestTurns(t *testing.T) {
	var all turns
	for range maxTurns {
		all.take(1)
	}
	all.take(2) // does not wait
	all.give(2)
	in := make(chan struct{})
	go func() {
		all.take(1)
		close(in)
	}()
	all.give(1)
	<-in
	for range maxTurns {
		all.give(1)
	}
	if len(all.users) != 0 {
		t.Errorf("%d users are remembered who have no call", len(all.users))
	}
}
