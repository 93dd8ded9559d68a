// Package sshd is the door of the namespaces for people with an SSH client: who they are
// is decided by keys, where they go by the name they log in with.
//
//	ssh vs1@host              a shell on a new terminal of vs1
//	ssh vs1@host CMD          sh -c CMD on a new terminal
//	ssh vs1/0@host, vs1+0     joins terminal 0
//	ssh ptsns@host            a picker of namespaces and terminals
//
// It is a client of every namespace's server, and no login to this machine: there is no
// user but the one whose server this is, nothing is run but inside namespaces, and
// neither files nor connections are carried. Leaving (~., a lost connection, ctrl-p ctrl-q)
// ends no program.
//
// # Keys
//
// A key in the authorized_keys file lets in; see Keys. The options of its line say what it may do:
// namespaces="GLOB,..." which namespaces, read-only that it looks on, and restrict, no-pty,
// pty, from= and expiry-time= what they say in sshd(8). A line with an option of another
// name refuses its key, but for those that forbid what nobody gets here.
//
// # Terminals of clients and of programs
//
// A client's terminal modes and window are those of the terminal it opens before the
// program's first byte; one that joins brings its window only. The picker runs on a virtual
// pair of package pty, in this process.
//
// A command without a terminal at the client's end runs on one all the same, quiet: nothing
// is echoed, bytes pass but for ^D, and the end of the client's input is typed as an end of
// file. A shell without one is refused.
//
// # Concurrency
//
// A connection has a goroutine for what it asks, one for keepalives, one that ends it, and
// those of x/crypto/ssh; each channel has one for its requests, one that reads it, one that
// relays output, and one that types. The picker has three in place of the last, and one while it looks.
// All end with the connection.
//
// Locks: Server.mu, crowd.mu and stall.mu (counters) and visit.mu (where resizes and signals
// go) are leaves.
//
// Who does not read holds up the terminal that was opened for it, as with every sshd, for
// as long as it answers keepalives, but for half a minute only where TCP takes nothing of
// what waits; a joined terminal does not wait.
package sshd
