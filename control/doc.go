// Package control is the door of one PTS namespace for programs: HTTP/1.1 on the
// unix socket of its server, and the client for it. It decides nothing about
// terminals; what it is asked it passes to package server.
//
// The requests, all under /v1, with JSON bodies:
//
//	GET    /v1/namespace             what the namespace is now (server.State)
//	DELETE /v1/namespace             end it; the answer comes at once
//	POST   /v1/programs              start a program (server.Spec) on a new terminal
//	POST   /v1/terminals/N/attach    join terminal N; "-" is the one with the lowest index
//
// The strings of a program to start are JSON strings, or {"base64": ...} where they
// are not UTF-8.
//
// A program whose Spec says Attach, and every attach, wants the headers
// "Connection: Upgrade" and "Upgrade: ptsns". The answer is then 101 with the
// headers Ptsns-Terminal and, for a program, Ptsns-Pid, and the connection turns
// into a stream of frames: one byte of type, four bytes of length (big-endian, at
// most 65536), the payload. From the client:
//
//	i  input: bytes to type
//	e  end of input: the terminal's end-of-file character, after all input; the last of i and e
//	r  resize: rows and columns of the client's window, two bytes each
//	s  signal: one byte, sent to the program's foreground process group
//
// and from the server:
//
//	o  output of the terminal
//	l  lost: how many bytes this client missed here because it did not read in time, eight bytes
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
// its input is being typed; nothing else does.
//
// Locks: each stream has one for its writes and one for its queue of input. They
// are leaves, never held together, and the first alone is held during I/O.
package control
