package pts

import "testing"

// A request number made by _IOR or _IOW carries its size and direction: the table must
// agree with it.
func TestIoctlTableAgreesWithTheNumbers(t *testing.T) {
	const write, read = 1, 2
	names := make(map[string]bool)
	for req, r := range ioctls {
		if r.Req != req || r.Name == "" || names[r.Name] {
			t.Errorf("%#x: entry %+v is misfiled or its name is not its own", req, r)
		}
		names[r.Name] = true
		if r.Dir == IoctlValue && r.Size != 8 {
			t.Errorf("%s: a number has 8 bytes, not %d", r.Name, r.Size)
		}
		size, dir := int(req>>16&0x3fff), req>>30
		if size == 0 || req == TIOCSIG { // TIOCSIG passes a number under an _IOW request
			continue
		}
		if size != r.Size || dir == write && r.Dir != IoctlIn || dir == read && r.Dir != IoctlOut {
			t.Errorf("%s: the number says %d bytes, direction %d; the table %d, %d", r.Name, size, dir, r.Size, r.Dir)
		}
	}
	if _, ok := LookupIoctl(0x5415); ok { // TIOCMGET: no pty has modem lines
		t.Error("TIOCMGET is in the table")
	}
}

func TestSetsTermios(t *testing.T) {
	want := map[string]bool{"TCSETS": true, "TCSETSW": true, "TCSETSF": true, "TCSETA": true, "TCSETAW": true, "TCSETAF": true,
		"TCSETS2": true, "TCSETSW2": true, "TCSETSF2": true}
	for _, r := range ioctls {
		if r.SetsTermios() != want[r.Name] {
			t.Errorf("%s: SetsTermios is %v", r.Name, r.SetsTermios())
		}
	}
}
