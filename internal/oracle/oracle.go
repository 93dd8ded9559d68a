// Package oracle holds conversations with a terminal and the drivers that hold them:
// the kernel, which is right, and package pty, which has to agree. A conversation is a
// file in testdata that a person can read (see Conversation for the language); the same steps
// run on both and the bytes, errno, poll bits, packet status and signals that come back
// are compared with what stands in the file.
//
// The kernel's side needs real processes for job control: each is this program started
// again (see Main), commanded over a socket. Input to a kernel terminal crosses a worker, so
// the kernel's driver settles before it answers what depends on delivery.
//
// Generate makes conversations of its own, and GenerateJobs some with processes and calls that wait, which Compare holds with both sides step by step;
// Shrink shortens one that differs until a person can read it. cmd/oracle does this for a given time.
//
// It is a tool for tests and ships in no program. A driver belongs to one goroutine and
// has no lock; calls that block do so in a process or goroutine of the driver's own.
package oracle

import (
	"time"

	"github.com/ptsns/ptsns/wait"
)

// Call is what an Op asks of a process: mostly a system call.
type Call string

// The calls. What each uses of Op and gives of Result stands beside it.
const (
	Open    Call = "open"    // End: "ptm", "pts" or "tty"; As; Flags
	Peer    Call = "peer"    // TIOCGPTPEER on End; As; Flags
	Close   Call = "close"   // End
	Read    Call = "read"    // End, N bytes -> Data
	Write   Call = "write"   // End, Data -> N
	Poll    Call = "poll"    // End -> Events
	Ioctl   Call = "ioctl"   // End, Req, Data or, if that is nil, Value -> Data
	Setsid  Call = "setsid"  //
	Setpgid Call = "setpgid" // Value: a pid, 0 for a group of its own
	Setuid  Call = "setuid"  // Value: real, effective and saved, of user and group
	Exit    Call = "exit"    //
	Ignore  Call = "ignore"  // Value: a signal number
	Block   Call = "block"   // Value
	Catch   Call = "catch"   // Value: a handler without SA_RESTART
	Default Call = "default" // Value
	Signals Call = "signals" // -> Caught
	WaitFor Call = "wait"    // Value: a child's pid -> Text: "stopped TTIN", "exited", "killed HUP", "running"
	Kill    Call = "kill"    // Value: a pid; N: a signal number
)

// Open flags.
const (
	NoCtty   = 1 << iota // O_NOCTTY
	NonBlock             // O_NONBLOCK
	ReadOnly
	WriteOnly
)

// Op is one call of one process.
type Op struct {
	Call  Call
	End   string // the name under which the process knows an open end
	As    string // the name of the end that is opened
	Flags int
	N     int
	Req   uint32
	Data  []byte
	Value int64

	BadPtr bool // the argument of an ioctl is an address that is not ours
}

// Result is what came of an Op. Errno is Linux's number, 0 for success.
type Result struct {
	Errno   int
	N       int
	Data    []byte
	Events  wait.Events
	Caught  []int  // signals
	Text    string // of WaitFor
	Blocked bool   // the call has not returned; Proc.Result asks again
	Stopped bool   // the process was stopped in the call
}

// Proc is a process: on the kernel's side a real one.
type Proc interface {
	// Do makes a call. Where it would not return, the result says Blocked or Stopped.
	Do(op Op) Result
	// Result waits for the call that Do left behind.
	Result() Result
	// Fork starts a child that knows the named ends. Signals that a terminal sends,
	// but for those that stop, are caught in it and told by Signals.
	Fork(ends []string) (Proc, error)
	// PID is what TIOCGPGRP would tell.
	PID() int
}

// Driver is one side of a comparison: it holds one pair at a time.
type Driver interface {
	// Self is the process that asks: it has every privilege, a session of its own
	// and never a controlling terminal, and its ends do not block.
	Self() Proc
	// Settle returns when what was written has arrived, so far as that can be known.
	Settle()
	// Drained tells, after a read that found nothing, that nothing is under way.
	Drained()
	// Sleep lets time pass: real time on the kernel's side.
	Sleep(d time.Duration)
	// Reset ends every process and closes every end.
	Reset()
}
