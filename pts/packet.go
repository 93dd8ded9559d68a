package pts

// What a read of a ptm in packet mode (TIOCPKT) starts with: TIOCPKT_DATA before
// data, or a set of the others, alone.
const (
	TIOCPKT_DATA       = 0x00
	TIOCPKT_FLUSHREAD  = 0x01 // the pts's input was dropped
	TIOCPKT_FLUSHWRITE = 0x02 // the pts's output was dropped
	TIOCPKT_STOP       = 0x04 // the pts's output stopped
	TIOCPKT_START      = 0x08 // the pts's output goes on
	TIOCPKT_NOSTOP     = 0x10 // ^S and ^Q no longer are flow control
	TIOCPKT_DOSTOP     = 0x20 // ^S and ^Q are flow control now
	TIOCPKT_IOCTL      = 0x40 // settings changed under EXTPROC
)
