//go:build linux

// Package apid is the door for programs to all namespaces of a user at once: HTTP/1.1 on
// one unix socket. It makes, lists and ends namespaces; everything else it passes on to
// the socket of the namespace that is named, where package control answers.
//
//	GET    /v1/namespaces             all of them, an array (parent.Listed)
//	POST   /v1/namespaces             make one and start its first program (Creation); 201
//	GET    /v1/namespaces/NAME        what it is now: GET /v1/namespace there
//	DELETE /v1/namespaces/NAME        end it; the answer comes when nothing of it is left
//	any    /v1/namespaces/NAME/REST   the same request for /v1/REST there, streams too,
//	                                  whose first frame must not come before the answer
//
// Failures are as package control's: {"code", "error"}, with two more codes:
// "no-such-namespace" (404) and "name-taken" (409).
//
// The socket is for its owner and root, as that of a namespace is. For the servers behind
// it this process is who asks: the uid and pid of a viewer who came this way are its own.
//
// It has no lock but the listener's. A request costs a connection to the namespace.
package apid
