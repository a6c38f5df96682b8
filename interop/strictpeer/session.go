package strictpeer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A session is one MSRP session over one connection.
type session struct {
	p        *Phone
	from     string // who calls, or is called
	listener net.Listener
	path     string // ours
	remote   *media
	active   bool
	onFault  func() // ends the call

	bound    chan struct{} // closed when the connection is bound to the session
	bindOnce sync.Once
	done     chan struct{}
	doneOnce sync.Once

	mu       sync.Mutex // also orders writing
	conn     net.Conn
	binding  string                 // transaction id
	waiting  map[string]chan int    // for responses, by transaction id
	reports  map[string]chan *frame // for REPORTs, by Message-ID
	incoming map[string]*Received   // by Message-ID
	refused  map[string]bool        // Message-IDs that got 415
}

func (p *Phone) newSession(from string, onFault func()) (*session, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &session{
		p: p, from: from, onFault: onFault, listener: l, path: "msrp://" + l.Addr().String() + "/" + token(20) + ";tcp",
		bound: make(chan struct{}), done: make(chan struct{}),
		waiting: map[string]chan int{}, reports: map[string]chan *frame{}, incoming: map[string]*Received{}, refused: map[string]bool{},
	}, nil
}

// run connects or is connected, and reads until the end.
func (s *session) run(remote *media, active bool) {
	s.remote, s.active = remote, active
	defer s.close()
	conn, err := s.connect()
	if err != nil {
		s.fault("no MSRP connection: %v", err)
		return
	}
	s.mu.Lock()
	s.conn = conn
	s.mu.Unlock()
	select {
	case <-s.done: // closed meanwhile
		conn.Close()
		return
	default:
	}
	if active {
		if err := s.bind(); err != nil {
			s.fault("binding: %v", err)
			return
		}
	}
	r := bufio.NewReaderSize(conn, maxLine)
	for {
		f, err := readFrame(r)
		var broken net.Error
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), errors.As(err, &broken):
			return
		case err != nil:
			s.fault("MSRP: %v", err)
			return
		}
		s.p.note("MSRP received", f.tid+" "+f.method+" "+strconv.Itoa(f.code))
		if err := s.take(f); err != nil {
			s.fault("MSRP %s %s: %v", f.tid, f.method, err)
			return
		}
	}
}

func (s *session) connect() (net.Conn, error) {
	if s.active {
		hostPort, _, _ := splitURI(s.remote.path) // checked by parseSDP
		return net.DialTimeout("tcp", hostPort, dialWait)
	}
	_ = s.listener.(*net.TCPListener).SetDeadline(time.Now().Add(answerWait))
	return s.listener.Accept()
}

func (s *session) close() {
	s.doneOnce.Do(func() {
		close(s.done)
		s.listener.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.conn != nil {
			s.conn.Close()
		}
	})
}

// fault notes what the other side has done wrong, and ends the call.
func (s *session) fault(format string, args ...any) {
	select {
	case <-s.done:
		return // the call is over, and so is its connection
	default:
	}
	s.p.fault(format, args...)
	s.close()
	s.onFault()
}

// bind sends the SEND that tells which session the connection is for. Until its 200
// has come, nothing else may. See RFC 4975, section 5.4.
func (s *session) bind() error {
	f := s.request("SEND")
	s.binding = f.tid
	switch s.p.o.Binding {
	case BindWithRange:
		f.fields = append(f.fields, Field{"Byte-Range", "1-0/0"}, Field{"Message-ID", token(16)})
	case BindWithoutBody:
		f.fields = append(f.fields, Field{"Message-ID", token(16)})
	case BindEmptyBody:
		f.fields = append(f.fields, Field{"Byte-Range", "1-0/0"}, Field{"Message-ID", token(16)}, Field{"Content-Type", "empty/empty"})
		f.hasBody = true
	}
	return s.write(f)
}

func (s *session) request(method string) *frame {
	return &frame{tid: token(16), method: method, fields: []Field{{"To-Path", s.remote.path}, {"From-Path", s.path}}, more: '$'}
}

func (s *session) write(f *frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.p.note("MSRP sent", f.tid+" "+f.method+" "+strconv.Itoa(f.code))
	return f.write(s.conn, s.p.o.PieceSize)
}

// answer sends a response.
func (s *session) answer(f *frame, code int) error {
	return s.write(&frame{tid: f.tid, code: code, fields: []Field{{"To-Path", f.get("From-Path")}, {"From-Path", s.path}}, more: '$'})
}

// take takes a request or response. An error is a fault.
func (s *session) take(f *frame) error {
	if to, from := f.get("To-Path"), f.get("From-Path"); to != s.path || from != s.remote.path {
		return fmt.Errorf("from %s to %s", from, to)
	}
	isBound := false
	select {
	case <-s.bound:
		isBound = true
	default:
	}
	switch {
	case f.method == "" && f.tid == s.binding:
		if f.code != 200 || isBound {
			return fmt.Errorf("the binding SEND got %d", f.code)
		}
		s.bindOnce.Do(func() { close(s.bound) })
		return nil
	case s.active && !isBound:
		return errors.New("481 Chunk received while binding session") // in msrplib's words
	case f.method == "":
		s.mu.Lock()
		c := s.waiting[f.tid]
		delete(s.waiting, f.tid)
		s.mu.Unlock()
		if c == nil {
			return fmt.Errorf("a response %d that nobody waits for", f.code)
		}
		c <- f.code
		return nil
	case f.method == "REPORT":
		return s.takeReport(f)
	case f.method != "SEND":
		return errors.New("unknown method")
	}
	s.bindOnce.Do(func() { close(s.bound) })
	if !f.hasBody {
		return s.answer(f, 200)
	}
	return s.takeChunk(f)
}

func (s *session) takeReport(f *frame) error {
	s.mu.Lock()
	c := s.reports[f.get("Message-ID")]
	s.mu.Unlock()
	if c == nil {
		return errors.New("a REPORT that nobody waits for")
	}
	if s.p.o.AnswerReports {
		if err := s.answer(f, 200); err != nil {
			return err
		}
	}
	c <- f
	return nil
}

// takeChunk takes a SEND with content.
func (s *session) takeChunk(f *frame) error {
	id, contentType := f.get("Message-ID"), f.get("Content-Type")
	if s.refused[id] || !takes(s.p.o.AcceptTypes, contentType) {
		s.refused[id] = true
		s.p.note("refused", contentType)
		return s.answer(f, 415)
	}
	m := s.incoming[id]
	if m == nil {
		m = &Received{From: s.from, MessageID: id, ContentType: contentType, Success: f.get("Success-Report"), Failure: f.get("Failure-Report")}
		s.incoming[id] = m
	}
	if f.from != len(m.Body)+1 || m.ContentType != contentType || len(m.Body)+len(f.body) > maxMessage {
		return fmt.Errorf("a chunk of %s from %d behind %d bytes of %s", contentType, f.from, len(m.Body), m.ContentType)
	}
	m.Body += string(f.body)
	m.Chunks++
	if f.more == '#' {
		delete(s.incoming, id)
	}
	if f.more == '$' {
		delete(s.incoming, id)
		if strings.HasPrefix(contentType, "message/cpim") {
			var err error
			if m.CPIM, err = parseCPIM(m.Body); err != nil {
				return err
			}
			if !takes(s.p.o.AcceptWrapped, m.CPIM.ContentType) {
				s.p.note("refused", m.CPIM.ContentType)
				return s.answer(f, 415)
			}
		}
	}
	if failure := m.Failure; failure == "" || failure == "yes" || s.p.o.AlwaysAnswer {
		if err := s.answer(f, 200); err != nil {
			return err
		}
	}
	if err := s.report(m, f); err != nil {
		return err
	}
	if f.more == '$' {
		s.p.received <- m
	}
	return nil
}

// report sends the success report that a chunk calls for.
func (s *session) report(m *Received, f *frame) error {
	from := f.from
	if s.p.o.Reports == ReportMessage {
		if from = 1; f.more != '$' {
			return nil
		}
	}
	if m.Success != "yes" || f.more == '#' {
		return nil
	}
	total := "*"
	if f.total >= 0 {
		total = strconv.Itoa(f.total)
	}
	r := s.request("REPORT")
	r.fields = append(r.fields, Field{"Message-ID", m.MessageID},
		Field{"Byte-Range", fmt.Sprintf("%d-%d/%s", from, f.from+len(f.body)-1, total)}, Field{"Status", "000 200 OK"})
	return s.write(r)
}

// send sends one message and waits for what it asks for.
func (s *session) send(ctx context.Context, m Letter) error {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	select {
	case <-s.bound:
	case <-s.done:
		return errors.New("the session is over")
	case <-ctx.Done():
		return fmt.Errorf("binding: %w", ctx.Err())
	}
	if s.p.o.KeepAlive {
		k := s.request("SEND")
		k.fields = append(k.fields, Field{"Byte-Range", "1-0/0"}, Field{"Message-ID", token(16)}, Field{"Keep-Alive", "yes"})
		if code, err := s.transact(ctx, k, true); code != 200 {
			return fmt.Errorf("Keep-Alive: %d, %w", code, err)
		}
	}
	id := token(16)
	reports := make(chan *frame, maxQueue)
	if m.Success == "yes" {
		s.mu.Lock()
		s.reports[id] = reports
		s.mu.Unlock()
	}
	size := m.ChunkSize
	if size == 0 {
		size = max(1, len(m.Body))
	}
	for at := 0; at == 0 || at < len(m.Body); at += size {
		code, err := s.transact(ctx, s.chunk(m, id, at, min(at+size, len(m.Body))), m.Failure == "" || m.Failure == "yes")
		if err != nil {
			return err
		}
		if code != 200 {
			return fmt.Errorf("SEND got %d", code)
		}
	}
	if m.Success != "yes" {
		return nil
	}
	return awaitReports(ctx, reports, len(m.Body))
}

// chunk makes the SEND for the bytes of a message from at to end.
func (s *session) chunk(m Letter, id string, at, end int) *frame {
	f := s.request("SEND")
	f.hasBody, f.body = true, []byte(m.Body[at:end])
	if end < len(m.Body) {
		f.more = '+'
	}
	name := Field{"Message-ID", id}
	if s.p.o.MessageIDFirst {
		f.fields = append(f.fields, name)
	}
	switch m.Range {
	case RangeExplicit:
		f.fields = append(f.fields, Field{"Byte-Range", fmt.Sprintf("%d-%d/%d", at+1, end, len(m.Body))})
	case RangeOpen:
		f.fields = append(f.fields, Field{"Byte-Range", fmt.Sprintf("%d-*/%d", at+1, len(m.Body))})
	case RangeUnknown:
		f.fields = append(f.fields, Field{"Byte-Range", fmt.Sprintf("%d-*/*", at+1)})
	case RangeNone:
	}
	if !s.p.o.MessageIDFirst {
		f.fields = append(f.fields, name)
	}
	if m.Failure != "" {
		f.fields = append(f.fields, Field{"Failure-Report", m.Failure})
	}
	if m.Success != "" {
		f.fields = append(f.fields, Field{"Success-Report", m.Success})
	}
	f.fields = append(f.fields, m.MIME...)
	f.fields = append(f.fields, Field{"Content-Type", m.ContentType})
	return f
}

// transact sends a request and waits for its response, if there is to be one.
func (s *session) transact(ctx context.Context, f *frame, answered bool) (int, error) {
	c := make(chan int, 1)
	if answered {
		s.mu.Lock()
		s.waiting[f.tid] = c
		s.mu.Unlock()
	}
	if err := s.write(f); err != nil || !answered {
		return 200, err
	}
	select {
	case code := <-c:
		return code, nil
	case <-s.done:
		return 0, errors.New("the session is over")
	case <-ctx.Done():
		return 0, fmt.Errorf("no response: %w", ctx.Err())
	}
}

// awaitReports waits until success reports cover all bytes.
func awaitReports(ctx context.Context, reports <-chan *frame, size int) error {
	for covered := 0; ; {
		select {
		case f := <-reports:
			if !strings.HasPrefix(f.get("Status"), "000 200") {
				return fmt.Errorf("the report says %s", f.get("Status"))
			}
			if f.from != 1 && f.from != covered+1 || f.end < covered || f.end > size {
				return fmt.Errorf("a report for %s behind %d of %d", f.get("Byte-Range"), covered, size)
			}
			if covered = f.end; covered == size {
				return nil
			}
		case <-ctx.Done():
			return fmt.Errorf("reports for %d of %d bytes: %w", covered, size, ctx.Err())
		}
	}
}
