// Package webd is the door of PTS namespaces for people with a browser: a page that
// lists namespaces and terminals as they are, opens them in xterm.js and plays
// recordings, and the HTTP and websockets that the page needs. It is a client of the
// namespaces' servers like any other. It knows nothing about terminals; what they show
// and how a newcomer is brought up to it is package hub's.
//
// # Requests
//
//	GET  /                                 the page, and what it is made of; no token is needed for these
//	POST /api/login                        {"token"}: a cookie, and {"key"}, for a token
//	POST /api/logout                       takes the cookie back
//	GET  /api/me                           {"user", "read_only", "recordings", "protocol"}
//	GET  /api/live                         websocket: the list, whenever it changes
//	GET  /api/terminals/NAME/N             websocket: one terminal; the query is rows, cols, read_only=1, steal=1, serial
//	POST /api/namespaces/NAME/terminals    {"rows", "cols"}: a shell on a new terminal; answers {"index", "serial"}
//	GET  /api/recordings                   [{"name", "size", "modified"}]
//	GET  /api/recordings/FILE              an asciicast
//
// A request that fails is answered with {"code", "error"}, as by package control.
//
// # The websockets
//
// The subprotocol is ptsns.1; there is no other, and a client has to ask for it. Text
// messages are JSON objects with a "type"; binary ones are a terminal's bytes, of at
// most 32 KiB each. From the page:
//
//	binary                     to type; refused to who only looks on
//	ack      bytes             so many bytes of output were shown
//	resize   rows, cols        the size of the window
//	ping                       answered with pong; a page that is silent for 150 s has gone
//
// and from the server:
//
//	attached  index, serial, read_only   the first message: the terminal is joined
//	binary                          output
//	lost      bytes                 this viewer was too slow and missed so much; the screen is painted anew
//	typed     bytes                 there is room for so many bytes of input again
//	refused   bytes                 so many were not typed: another viewer took the input for itself
//	exit      status                the program ended (128+N: by signal N); the last message
//	ended                           the terminal ended, and ptsns had no program on it; the last message
//	failure   code, error           the last message; codes are package control's, and those in failure.go;
//	                                with terminal-ended status, as of exit, where it is known
//	pong
//	list      namespaces            on /api/live alone
//
// An index is used again, a serial never, not by a namespace of the same name either. The
// page joins what the list showed, and rejoins what it had joined, by that: a terminal that
// has ended meanwhile is a failure, and no other is shown in its place.
//
// Both directions are counted: the server has at most 512 KiB of output on the way that
// the page has not shown, and the page at most 64 KiB of input that was not taken. So a
// slow browser falls behind in its own queue in the namespace's server, which paints it
// the screen when it comes back, and a program that does not read holds up no resize. A
// page that sends what it may not (input it has no right to or no room for, an unknown
// message) is closed with status 1008, policy violation.
//
// # Who gets in
//
// Those who have the token, and those whom a proxy names in a header: see Config. Every
// request must be for a host that is ours, which keeps out names that were rebound to our
// address; every websocket and every POST must come from a page of ours (Origin). A token
// is traded for two halves that are worth nothing alone and die with it: a cookie, which no
// script sees but every server on the same host is shown, and a key, which the page keeps
// and sends in the header Ptsns-Key or, for websockets, as the subprotocol ptsns.key.KEY.
//
// A viewer who only looks on is held to that here and by the namespace's server, which
// also takes out of the output what would make the viewer's terminal answer.
//
// # Bounds
//
// Everything read has a limit, everything written a deadline; connections, websockets and
// wrong tokens are limited in number. A terminal joined costs three goroutines here: the
// reader of the websocket, the typist and the relay of the output; a watcher of the list
// two, and the list itself one while anybody watches.
//
// Locks are leaves, never held together nor over I/O.
package webd
