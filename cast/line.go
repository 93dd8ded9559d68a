package cast

import (
	"bufio"
	"errors"
	"io"
)

// lines are the lines of a file.
type lines struct {
	r    *bufio.Reader
	long []byte // of a line that is longer than r's buffer
	n    int    // how many there were
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, 64<<10)} }

// next returns the next line with its newline, which only the last line may lack. It
// is good until the next call. After the last line comes io.EOF.
func (l *lines) next() ([]byte, error) {
	line, err := l.r.ReadSlice('\n')
	l.long = l.long[:0]
	for errors.Is(err, bufio.ErrBufferFull) {
		l.long = append(l.long, line...)
		if len(l.long) > maxLine {
			l.n++
			return nil, ErrTooLong
		}
		line, err = l.r.ReadSlice('\n')
	}
	if len(l.long) > 0 {
		l.long = append(l.long, line...)
		line = l.long
	}
	if err != nil && !(errors.Is(err, io.EOF) && len(line) > 0) {
		return nil, err
	}
	l.n++
	if len(line) > maxLine {
		return nil, ErrTooLong
	}
	return line, nil
}
