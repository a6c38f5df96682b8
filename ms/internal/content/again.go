package content

import "io"

// again is a body whose begin was read: it is read from its begin. An io.MultiReader
// takes 32 KB for each message that it writes.
type again struct {
	head []byte
	rest io.Reader
}

func (a *again) Read(p []byte) (int, error) {
	if len(a.head) == 0 {
		return a.rest.Read(p)
	}
	n := copy(p, a.head)
	a.head = a.head[n:]
	return n, nil
}

// WriteTo implements [io.WriterTo].
func (a *again) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(a.head)
	a.head = a.head[n:]
	if err != nil {
		return int64(n), err
	}
	more, err := io.Copy(w, a.rest)
	return int64(n) + more, err
}
