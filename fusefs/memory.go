//go:build linux

package fusefs

import "golang.org/x/sys/unix"

// readMemory fills b from the address in the memory of pid, which waits for us.
func readMemory(pid int, address uint64, b []byte) error {
	local, remote := vectors(address, b)
	return whole(len(b))(unix.ProcessVMReadv(pid, local, remote, 0))
}

// writeMemory stores b at the address in the memory of pid, which waits for us.
func writeMemory(pid int, address uint64, b []byte) error {
	local, remote := vectors(address, b)
	return whole(len(b))(unix.ProcessVMWritev(pid, local, remote, 0))
}

func vectors(address uint64, b []byte) ([]unix.Iovec, []unix.RemoteIovec) {
	return []unix.Iovec{{Base: &b[0], Len: uint64(len(b))}},
		[]unix.RemoteIovec{{Base: uintptr(address), Len: len(b)}}
}

// whole turns a short transfer, and one that could not be made at all, into the EFAULT
// that a bad address gets.
func whole(want int) func(int, error) error {
	return func(n int, err error) error {
		if err != nil || n != want {
			return unix.EFAULT
		}
		return nil
	}
}
