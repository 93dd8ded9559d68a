package devpts_test

import (
	"fmt"
	"log"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/pts"
)

// Two instances have a terminal 0 each.
func Example() {
	system := devpts.NewSystem(devpts.Config{})
	for range 2 {
		m, err := system.Mount(devpts.Mounter{}, "newinstance,ptmxmode=0666,mode=620,gid=5")
		if err != nil {
			log.Fatal(err)
		}
		ptm, index, err := m.OpenPtmx(nil, 2)
		if err != nil {
			log.Fatal(err)
		}
		if _, err := ptm.Ioctl(nil, pts.TIOCSPTLCK, make([]byte, 4)); err != nil {
			log.Fatal(err)
		}
		end, err := m.OpenPts(nil, index, 2)
		if err != nil {
			log.Fatal(err)
		}
		buf := make([]byte, 100)
		_, _ = ptm.Write([]byte("hi\n")) // there is room
		n, _ := end.Read(buf)            // and a line
		fmt.Printf("%d of %s reads %q\n", index, m, buf[:n])
		fmt.Println(m.Unmount())
		_, _ = end.Close(), ptm.Close()
		fmt.Println(m.Unmount())
	}
	// Output:
	// 0 of rw,relatime,gid=5,mode=620,ptmxmode=666 reads "hi\n"
	// device or resource busy
	// <nil>
	// 0 of rw,relatime,gid=5,mode=620,ptmxmode=666 reads "hi\n"
	// device or resource busy
	// <nil>
}

// A container of 2011 mounts without newinstance, and finds the host's terminals.
func ExampleGeneration() {
	system := devpts.NewSystem(devpts.Config{Generation: devpts.Multiple})
	host, _, err := system.Initial().MakePair(nil, 2) // through /dev/ptmx
	if err != nil {
		log.Fatal(err)
	}
	for _, options := range []string{"", "newinstance"} {
		m, err := system.Mount(devpts.Mounter{OtherMountNS: true}, options)
		if err != nil {
			log.Fatal(err)
		}
		nodes, err := m.ReadDir()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%q:", options)
		for _, n := range nodes {
			fmt.Printf(" %s", n.Name())
		}
		fmt.Println()
	}
	_ = host.Close()
	// Output:
	// "": 0 ptmx
	// "newinstance": ptmx
}
