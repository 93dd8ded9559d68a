package pty

import (
	"sync"
	"time"

	"github.com/ptsns/ptsns/job"
	"github.com/ptsns/ptsns/ldisc"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/termios"
	"github.com/ptsns/ptsns/wait"
)

// backLimit is how much the ptm may write ahead of a discipline that takes no more.
const backLimit = ldisc.Limit - (ldisc.Size - 1)

// burst is how much of a write is received, and echoed, together.
const burst = 2048

// pair is one terminal. Its lock guards everything in it but job, which has its own.
type pair struct {
	mu sync.Mutex

	disc ldisc.NTTY  // between the ends
	out  ldisc.Queue // from the pts to the ptm; all of it but what is behind ldisc.Size-1 bytes counts as delivered
	back ldisc.Queue // from the ptm, what disc has not taken yet

	size   termios.Winsize
	locked *termios.Termios // TIOCSLCKTRMIOS; nil: nothing is
	job    job.Terminal
	config Config
	hook   func(pts.Signal) // what this program does with signals; may be nil

	ptm      PTM
	m, s     side
	ptsOpen  int   // open pts, hung up ones too
	plain    bool  // back has only bytes that mean nothing to disc
	status   uint8 // packet mode's, for the next read of the ptm
	packet   bool  // TIOCPKT
	lock     bool  // TIOCSPTLCK
	gone     bool  // the ptm is closed
	leftPts  bool  // the last pts was closed: the ptm's reads fail
	ioError  bool  // an open failed for the lock: reads and writes of the pts fail until one succeeds
	mStopped bool  // TCOOFF on the ptm
}

// side is what waits and what is set at one end, whoever has it open.
type side struct {
	queue       *wait.Queue // nil until somebody asked for notifications
	read, write *sync.Cond  // nil until somebody waited
	started     *starteds   // nil until one waited
	readers     int32       // parked on read
	writers     int32       // parked on write
	generation  uint32      // grows with each hangup; older opens are dead
	reading     bool        // a blocking read has the turn
	writing     bool        // a blocking write has the turn
	exclusive   bool        // TIOCEXCL
	null        bool        // TIOCSETD: N_NULL, not N_TTY
	timer       *time.Timer // VTIME's; nil until one was needed
}

// owed is what a call owes to others once the lock is released.
type owed struct {
	fx    ldisc.Effects
	m, s  wait.Events // whom to wake at each end
	debts job.Debts
	hook  pts.Signals // for this program
	kicks kicks       // what was started and may go on
	freed bool        // nobody has the pair open any more
}

func (o *owed) any() bool {
	return o.m|o.s != 0 || o.fx != (ldisc.Effects{}) || o.hook != 0 || o.kicks != 0 || o.debts.Any()
}

// drainLocked gives the discipline what waits for it, as far as it takes it.
func (p *pair) drainLocked(o *owed) {
	had := p.back.Len()
	for p.back.Len() > 0 && !p.s.null && !p.disc.Full() {
		front := p.back.Front()
		front = front[:min(len(front), burst)]
		n := 0
		if p.plain {
			n = p.disc.ReceivePlain(front, &p.out, &o.fx)
		} else {
			n = p.disc.Receive(front, &p.out, &o.fx)
		}
		p.back.Skip(n, true)
		if n == 0 {
			break
		}
	}
	if p.back.Len() < had {
		o.m |= wait.Out
	}
}

// catchUpLocked does what a reader of the pts has put off.
func (p *pair) catchUpLocked(o *owed) {
	if p.back.Len() == 0 {
		return
	}
	before := p.out.Len()
	p.drainLocked(o)
	if p.out.Len() > before {
		o.m |= wait.In
	}
}

// canWaitLocked tells whether a reader of the pts may leave back alone, for a larger piece of
// it later. Nobody notices: the discipline has lines to go on with, only bytes that mean
// nothing wait, and where they are echoed the ptm has something to read before; and who
// does anything else than read the pts catches up first.
func (p *pair) canWaitLocked() bool {
	return p.plain && p.disc.Ample() &&
		(p.out.Len() > 0 || !p.disc.Echoes()) &&
		(p.m.queue == nil || p.back.Len() < backLimit)
}

// signalLocked sends s to the foreground group, or to this program where no session
// is.
func (p *pair) signalLocked(s pts.Signal, o *owed) {
	if p.job.Has() {
		p.job.Signal(s, &o.debts)
		return
	}
	o.hook.Add(s)
}

// settleLocked turns what the discipline reported into wakeups and signals.
func (p *pair) settleLocked(o *owed) {
	fx := &o.fx
	if p.packet && fx.Set != 0 {
		p.status = fx.Status(p.status)
		o.m |= wait.In | wait.Pri
	}
	if fx.Signals != 0 {
		for s := range fx.Signals.All {
			p.signalLocked(s, o)
		}
	}
	if fx.Input {
		o.s |= wait.In
	}
	if fx.Output {
		o.s |= outAgain
	}
	*fx = ldisc.Effects{}
}

// unlock releases the lock and then delivers what is owed.
func (p *pair) unlock(o *owed) {
	if o.fx != (ldisc.Effects{}) {
		p.settleLocked(o)
	}
	var hook func(pts.Signal)
	if o.hook != 0 {
		hook = p.hook
	}
	if o.m|o.s == 0 {
		p.mu.Unlock()
	} else {
		m, s := p.m.callsLocked(o.m, p.out.Len() > 0 || p.status != 0 || o.m&wait.Hup != 0, p.back.Len() <= backLimit/2),
			p.s.callsLocked(o.s, true, p.out.Len() <= ldisc.Limit/2)
		p.mu.Unlock()
		m.run(o.m)
		s.run(o.s)
		o.m, o.s = 0, 0
		o.kick(true, m.started)
		o.kick(false, s.started)
	}
	if o.kicks != 0 {
		k := o.kicks
		o.kicks = 0
		p.advance(k)
	}
	if o.debts.Any() {
		o.debts.Pay()
	}
	if hook != nil {
		for s := range o.hook.All {
			hook(s)
		}
	}
	o.hook = 0
	if o.freed && p.config.Released != nil {
		p.config.Released()
	}
	o.freed = false
}

// outAgain wakes writers however little room there is: they may have waited for
// something else.
const outAgain = wait.Out | wait.WrNorm

// calls are the wakeups of one end, collected under the lock.
type calls struct {
	queue       *wait.Queue
	read, write *sync.Cond
	started     kicks
}

// callsLocked collects whom e concerns. A parked writer sleeps on until there is so
// much room that waking it is worth it.
func (s *side) callsLocked(e wait.Events, data, room bool) calls {
	c := calls{}
	if e != 0 {
		c.queue = s.queue
	}
	const all = wait.Hup | wait.Err
	if e&(wait.In|all) != 0 && data {
		if s.readers > 0 {
			c.read = s.read
		}
		c.started |= s.kicksLocked(kickRead)
	}
	if e&wait.Out != 0 && room || e&(wait.WrNorm|all) != 0 {
		if s.writers > 0 {
			c.write = s.write
		}
		c.started |= s.kicksLocked(kickWrite)
	}
	return c
}

func (c *calls) run(e wait.Events) {
	if c.read != nil {
		c.read.Broadcast()
	}
	if c.write != nil {
		c.write.Broadcast()
	}
	if c.queue != nil {
		if e&wait.In != 0 {
			e |= wait.RdNorm
		}
		if e&wait.Out != 0 {
			e |= wait.WrNorm
		}
		c.queue.Wake(e)
	}
}

// hangupPtsLocked makes every open pts dead and the terminal fresh, as vhangup(2)
// does and the end of the ptm. What the ptm can read already stays.
func (p *pair) hangupPtsLocked(o *owed) {
	p.s.generation++
	if p.ptsOpen > 0 && !p.job.Has() {
		o.hook.Add(pts.SIGHUP)
	}
	p.job.Hangup(&o.debts)
	p.back.Keep(0)
	p.disc.Forget()
	p.out.Keep(ldisc.Size - 1)
	p.disc.Reset(termios.Default())
	p.s.null = false
	p.status = 0
	o.m |= wait.Out
	o.s |= wait.In | wait.Out | wait.Hup | wait.Err
}

// hangupPtmLocked makes the open ptm dead; the pts notices nothing.
func (p *pair) hangupPtmLocked(o *owed) {
	p.m.generation++
	p.out.Keep(0)
	p.back.Keep(0)
	p.disc.Forget()
	o.m |= wait.In | wait.Out | wait.Hup | wait.Err
	o.s |= wait.Out
}
