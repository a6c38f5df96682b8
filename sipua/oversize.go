package sipua

import (
	"fmt"
	"log/slog"

	"github.com/gomscp/gomscp/sipua/internal/screen"
)

// tooLarge answers a message that is refused for its size. A response or an ACK, which
// cannot be refused, is accepted without its body; one whose headers are too long is
// dropped. An error means that the connection must end.
func (s *stream) tooLarge(frame *screen.Frame) error {
	s.ua.emit(false, s.transport, s.LocalAddr(), s.RemoteAddr(), frame.Raw)
	clean, m, f := screen.Check(frame.Raw, false)
	switch {
	case f != nil:
	case m == nil || m.Method == "" || m.Method == "ACK":
		if f = (&screen.Flaw{}); frame.Code == 413 {
			s.ua.noteEarly(m, clean)
			s.ready = append(s.ready, clean...)
		}
	default:
		f = &screen.Flaw{Code: frame.Code}
	}
	if !s.told && frame.Skippable { // otherwise the end of the connection is logged
		s.told = true // once for each connection
		s.ua.note(slog.LevelWarn, "SIP message too large", "peer", s.RemoteAddr(), "headers", frame.Head, "body", frame.Body, "max", fmt.Sprintf("%d and %d bytes", MaxHead, MaxBody))
	}
	if m != nil && m.Answerable() {
		if answer := f.Answer(m, s.ua.allow()); answer != nil {
			if _, err := s.Write(answer); err != nil {
				return err
			}
		}
	}
	if s.stranger && !s.proved {
		return fmt.Errorf("%w: of a stranger, it is not read over", screen.ErrTooLong)
	}
	return nil
}
