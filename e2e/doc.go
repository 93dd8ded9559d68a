// Package e2e holds the end-to-end tests: the ptsns binary, as make builds it, driven
// the way a person or a script drives it, with real programs inside. It has no code of
// its own outside its tests.
//
// Every test has its own runtime directory and leaves no process, mount or file behind;
// the harness checks that after each test and again at the end. Tests that change the
// mounts of what they take for the host run in a mount namespace of their own. What a
// test waits for is output, an exit, or an event of the file system; a deadline only
// turns a hang into a failure that shows the transcript.
package e2e
