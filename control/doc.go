// Package control is the door of one PTS namespace for programs: HTTP/1.1 on the
// unix socket of its server, and the client for it. It decides nothing about
// terminals; what it is asked it passes to package server.
//
// The requests, all under /v1, with JSON bodies; API.md at the top of the repository has
// every field:
//
//	GET    /v1/version                  what is spoken here
//	GET    /v1/namespace                what the namespace is now (server.State)
//	DELETE /v1/namespace                end it; the answer comes at once
//	GET    /v1/events                   what happened since an event
//	POST   /v1/programs                 start a program (server.Spec) on a new terminal
//	POST   /v1/terminals/N/attach       join terminal N; "-" is the one with the lowest index
//	POST   /v1/terminals/N/input        type
//	GET    /v1/terminals/N/output       what was put out since a cursor
//	POST   /v1/terminals/N/resize       set the size
//	POST   /v1/terminals/N/signal       signal what is in the foreground
//	GET    /v1/terminals/N/exit         its exit status
//	GET    /v1/terminals/N/screen       what is on the screen
//	POST   /v1/terminals/N/await        wait until that is as it should be
//	POST   /v1/terminals/N/record       record it from now on
//	DELETE /v1/terminals/N/record       and no longer
//	POST   /v1/viewers/ID/kick          send a viewer away
//
// A request about a terminal means the one with that index now. With the query serial=S it
// means the one of that serial (server.Terminal) and no other, with pid=P the one on which
// that program was started.
//
// Strings that need not be UTF-8 are JSON strings, or {"base64": ...} where they are not.
// Fields and queries that are not known are refused. What waits does so for a minute at
// most, and no longer than its client and the namespace live.
//
// A program whose Spec says Attach, and every attach, wants the headers
// "Connection: Upgrade" and "Upgrade: ptsns". The answer is then 101 with the
// headers Ptsns-Terminal, Ptsns-Serial and, for a program, Ptsns-Pid, and the connection
// turns into a stream of frames: one byte of type, four bytes of length (big-endian, at
// most 65536), the payload. From the client:
//
//	i  input: bytes to type
//	e  end of input: the terminal's end-of-file character, after all input; the last of i and e
//	r  resize: rows and columns of the client's window, two bytes each
//	s  signal: one byte, sent to the terminal's foreground process group
//
// and from the server:
//
//	o  output of the terminal
//	l  lost: how many bytes this client missed here because it did not read in time, eight bytes
//	t  taken: so many bytes of input were not typed, since another viewer has the input for itself, four bytes
//	w  window: so many more bytes of input may be sent, four bytes
//	x  exit: the program's exit status, or 128+N for signal N, four bytes; the last frame
//	d  end: the terminal ended, and no program of ptsns's was on it; the last frame
//	f  failure: {"code", "error"} as below; the last frame
//
// Input is counted so that a program which does not read never keeps a signal or
// a resize behind it: a client may have 65536 bytes of input on the way, and more
// as w frames allow. A client that sends more is dropped.
//
// A request that fails is answered with {"code": ..., "error": ...}: the text is
// for people, the code for programs (see Error).
//
// The socket is for its owner and root: the peer credentials of every accepted
// connection are checked, and others are closed without an answer. Everything
// read has a bound. An attached client costs two goroutines, and a third while
// its input is being typed; a request costs one while it waits, and a program that was
// started one until its terminal has ended.
//
// Locks: each stream has one for its queue of input, and a slot for who writes to it; the
// handler has one for the set of streams, one for the programs, and one for who has to hear
// the end. They are leaves, never held together, and the slot alone is held during I/O.
package control
