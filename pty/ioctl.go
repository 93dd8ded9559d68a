package pty

import (
	"encoding/binary"
	"fmt"

	"github.com/ptsns/ptsns/job"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/termios"
	"github.com/ptsns/ptsns/wait"
)

// Ioctl performs a request with Linux's number for whoever has the end open; arg
// holds the structure, which is read or overwritten in place, or a plain number as 8
// little-endian bytes. A request that no terminal knows fails with ENOTTY, an arg
// that is too short with EFAULT. It does not block. TIOCGPTPEER returns a descriptor
// in Linux, of which there are none here: ENOTTY, as before it existed; OpenPTS is what
// it does. Requests to a descriptor (FIONBIO, FIOASYNC, FIOCLEX) are ENOTTY as well.
func (e *end) Ioctl(req uint32, arg []byte) (int, error) {
	n, err := e.ioctl(e.caller, req, arg)
	if err == nil {
		return n, nil
	}
	name := fmt.Sprintf("%#x", req)
	if d, known := pts.LookupIoctl(req); known {
		name = d.Name
	}
	return n, e.wrap("ioctl "+name, err)
}

// request is one ioctl under way.
type request struct {
	e   *end
	p   *pair
	c   pts.Caller
	job job.Process // c, or nil
	arg []byte
	bad bool // arg is too short
	o   owed
}

func (e *end) ioctl(c pts.Caller, req uint32, arg []byte) (int, error) {
	p := e.p
	r := request{e: e, p: p, c: c, job: process(c), arg: arg}
	p.mu.Lock()
	p.catchUpLocked(&r.o)
	before := p.out.Len()
	err := r.doLocked(req)
	if p.out.Len() > before {
		r.o.m |= wait.In
	}
	p.unlock(&r.o)
	return 0, err
}

// ioctls says what performs each request, and for which end.
var ioctls = map[uint32]struct {
	does func(r *request) error
	on   onEnd
}{
	pts.TIOCGPTN:       {(*request).getIndex, onPtm},
	pts.TIOCSPTLCK:     {(*request).setLock, onPtm},
	pts.TIOCGPTLCK:     {func(r *request) error { return r.putBool(r.p.lock) }, onPtm},
	pts.TIOCPKT:        {(*request).setPacket, onPtm},
	pts.TIOCGPKT:       {func(r *request) error { return r.putBool(r.p.packet) }, onPtm},
	pts.TIOCSIG:        {(*request).signal, onPtm},
	pts.TIOCGPTPEER:    {(*request).peer, onBoth},
	pts.TIOCGWINSZ:     {func(r *request) error { r.p.size.Put(r.arg); return nil }, onBoth},
	pts.TIOCSWINSZ:     {(*request).setSize, onBoth},
	pts.TCGETS:         {func(r *request) error { return r.getTermios(termios.Struct) }, onDisc},
	pts.TCSETS:         {func(r *request) error { return r.setTermios(termios.Struct, TCSANOW) }, onDisc},
	pts.TCSETSW:        {func(r *request) error { return r.setTermios(termios.Struct, TCSADRAIN) }, onDisc},
	pts.TCSETSF:        {func(r *request) error { return r.setTermios(termios.Struct, TCSAFLUSH) }, onDisc},
	pts.TCGETS2:        {func(r *request) error { return r.getTermios(termios.Struct2) }, onDisc},
	pts.TCSETS2:        {func(r *request) error { return r.setTermios(termios.Struct2, TCSANOW) }, onDisc},
	pts.TCSETSW2:       {func(r *request) error { return r.setTermios(termios.Struct2, TCSADRAIN) }, onDisc},
	pts.TCSETSF2:       {func(r *request) error { return r.setTermios(termios.Struct2, TCSAFLUSH) }, onDisc},
	pts.TCGETA:         {func(r *request) error { return r.getTermios(termios.Termio) }, onDisc},
	pts.TCSETA:         {func(r *request) error { return r.setTermios(termios.Termio, TCSANOW) }, onDisc},
	pts.TCSETAW:        {func(r *request) error { return r.setTermios(termios.Termio, TCSADRAIN) }, onDisc},
	pts.TCSETAF:        {func(r *request) error { return r.setTermios(termios.Termio, TCSAFLUSH) }, onDisc},
	pts.TIOCGLCKTRMIOS: {(*request).getLocked, onDisc},
	pts.TIOCSLCKTRMIOS: {(*request).setLocked, onDisc},
	pts.TIOCGSOFTCAR:   {func(r *request) error { return r.putBool(r.p.disc.Termios().Cflag&termios.CLOCAL != 0) }, onDisc},
	pts.TIOCSSOFTCAR:   {(*request).setSoftCarrier, onDisc},
	pts.FIONREAD:       {(*request).pending, onDisc},
	pts.TIOCOUTQ:       {func(r *request) error { return r.putInt(0) }, onDisc},
	pts.TCFLSH:         {(*request).flush, onDisc},
	pts.TCXONC:         {(*request).flow, onDisc},
	pts.TCSBRK:         {(*request).checkOwn, onBoth},
	pts.TCSBRKP:        {(*request).checkOwn, onBoth},
	pts.TIOCSBRK:       {(*request).checkOwn, onBoth},
	pts.TIOCCBRK:       {(*request).checkOwn, onBoth},
	pts.TIOCSTI:        {(*request).insert, onBoth},
	pts.TIOCGETD:       {(*request).getDisc, onBoth},
	pts.TIOCSETD:       {(*request).setDisc, onBoth},
	pts.TIOCSCTTY:      {func(r *request) error { return r.p.job.Acquire(r.job, int(int32(r.value())), r.e.readable) }, onBoth},
	pts.TIOCNOTTY:      {(*request).giveUp, onBoth},
	pts.TIOCGSID:       {(*request).getSession, onBoth},
	pts.TIOCGPGRP:      {(*request).getForeground, onBoth},
	pts.TIOCSPGRP:      {(*request).setForeground, onBoth},
	pts.TIOCCONS:       {(*request).console, onBoth},
	pts.TIOCVHANGUP:    {(*request).hangup, onBoth},
	pts.TIOCGDEV:       {(*request).getDevice, onBoth},
	pts.TIOCEXCL:       {func(r *request) error { r.side().exclusive = true; return nil }, onBoth},
	pts.TIOCNXCL:       {func(r *request) error { r.side().exclusive = false; return nil }, onBoth},
	pts.TIOCGEXCL:      {func(r *request) error { return r.putBool(r.side().exclusive) }, onBoth},
}

// asksFirst are the requests that ask whether they are allowed before they look at
// the argument; they look for themselves whether it is bad.
var asksFirst = map[uint32]bool{
	pts.TCSETS: true, pts.TCSETSW: true, pts.TCSETSF: true, pts.TCSETS2: true, pts.TCSETSW2: true, pts.TCSETSF2: true,
	pts.TCSETA: true, pts.TCSETAW: true, pts.TCSETAF: true, pts.TIOCSLCKTRMIOS: true, pts.TIOCSTI: true,
	pts.TIOCSETD: true, pts.TIOCGPGRP: true, pts.TIOCSPGRP: true, pts.TIOCGSID: true,
}

// fioqsize is FIOQSIZE, which Linux refuses for whatever is not a file, a directory or
// a link before it asks the terminal (do_vfs_ioctl): a hangup does not change the answer.
const fioqsize = 0x5460

// driverless are requests that Linux refuses because a pty's driver lacks them. What it
// does not know at all the line discipline refuses: N_TTY with ENOTTY, N_NULL with EINVAL.
var driverless = map[uint32]bool{
	0x5415: true, 0x5416: true, 0x5417: true, 0x5418: true, // TIOCMGET, TIOCMBIS, TIOCMBIC, TIOCMSET
	0x541e: true, 0x541f: true, 0x545d: true, // TIOCGSERIAL, TIOCSSERIAL, TIOCGICOUNT
}

// onEnd says where a request is known.
type onEnd uint8

const (
	onBoth onEnd = iota
	onPtm        // ENOTTY on a pts
	onDisc       // on both, by the end's discipline: EINVAL when that is N_NULL
)

// doLocked makes the checks that all requests share, in the kernel's order.
func (r *request) doLocked(req uint32) error {
	switch {
	case r.e.closed:
		return pts.EBADF
	case req == fioqsize, r.e.hungUpLocked() && req == pts.TIOCSPGRP:
		return pts.ENOTTY
	case r.e.hungUpLocked():
		return pts.EIO
	}
	d, known := pts.LookupIoctl(req)
	x, ours := ioctls[req]
	onlyPtm := x.on == onPtm && !r.e.ptm
	switch {
	case driverless[req]:
		return pts.ENOTTY
	case r.side().null && (!known || !ours || onlyPtm || x.on == onDisc):
		if req == pts.TCFLSH && len(r.arg) >= d.Size {
			r.flushBehind()
		}
		return pts.EINVAL
	case !known || !ours || onlyPtm:
		return pts.ENOTTY
	}
	if r.bad = len(r.arg) < d.Size; r.bad && !asksFirst[req] {
		return pts.EFAULT
	}
	return x.does(r)
}

func (r *request) side() *side { return r.e.sideLocked() }

// value is the argument of a request that takes a plain number.
func (r *request) value() uint64 { return binary.LittleEndian.Uint64(r.arg) }

func (r *request) int() int { return int(int32(binary.NativeEndian.Uint32(r.arg))) }

func (r *request) putInt(n int) error {
	if r.bad {
		return pts.EFAULT
	}
	binary.NativeEndian.PutUint32(r.arg, uint32(n))
	return nil
}

func (r *request) putBool(b bool) error {
	if b {
		return r.putInt(1)
	}
	return r.putInt(0)
}

// privileged tells whether c may do what takes CAP_SYS_ADMIN.
func privileged(c pts.Caller) bool {
	if c == nil {
		return true
	}
	if p, ok := c.(interface{ Privileged() bool }); ok {
		return p.Privileged()
	}
	return c.FSUID() == 0
}

func (r *request) admin() error {
	if !privileged(r.c) {
		return pts.EPERM
	}
	return nil
}

// check is job control for what the background may not do to its terminal.
func (r *request) check() error { return r.p.job.Check(r.job, pts.SIGTTOU, &r.o.debts) }

// checkOwn is check for requests that are about the end's own terminal: a ptm is
// nobody's controlling terminal.
func (r *request) checkOwn() error {
	if r.e.ptm {
		return nil
	}
	return r.check()
}
