package strictpeer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Phone is a user's device.
type Phone struct {
	o        Options
	sip      *Endpoint
	instance string
	received chan *Received
	work     sync.WaitGroup
	ctx      context.Context
	cancel   context.CancelFunc

	mu       sync.Mutex
	gruu     string
	contact  string                   // what goes into Contact
	callID   string                   // of its REGISTERs
	seq      int                      // of its REGISTERs
	waiting  map[string]chan *Message // for responses, by branch
	answers  map[string]*Message      // sent, by branch and method
	calls    map[string]*Call         // by Call-ID
	statuses []int                    // of its answers to INVITEs
	faults   []string
	notes    []string
}

// A Received is a received message.
type Received struct {
	From             string // URI of the calling side
	MessageID        string
	ContentType      string
	Body             string
	CPIM             *CPIM  // of a message/cpim
	Success, Failure string // the report headers; "" without
	Chunks           int
}

// A Letter is a message to be sent.
type Letter struct {
	ContentType, Body string
	Success, Failure  string // the report headers; "" means that the header is omitted
	ChunkSize         int    // bytes; 0 means one chunk
	Range             Range
	MIME              []Field // before Content-Type
}

// Range is the form of Byte-Range.
type Range int

// The forms that are in use.
const (
	RangeExplicit Range = iota // 1-30/30
	RangeOpen                  // 1-*/30
	RangeUnknown               // 1-*/*
	RangeNone
)

// New opens a phone.
func New(o Options) (*Phone, error) {
	o.setDefaults()
	e, err := Listen(o.transport())
	if err != nil {
		return nil, err
	}
	p := &Phone{
		o: o, sip: e, instance: instance(), received: make(chan *Received, maxQueue), contact: e.Contact(o.User), callID: token(16),
		waiting: map[string]chan *Message{}, answers: map[string]*Message{}, calls: map[string]*Call{},
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.work.Go(p.serve)
	return p, nil
}

// Close closes all sockets, without a message to anybody.
func (p *Phone) Close() {
	p.cancel()
	p.sip.Close()
	p.mu.Lock()
	for _, c := range p.calls {
		c.session.close()
	}
	p.mu.Unlock()
	p.work.Wait()
}

// Received returns a channel with the received messages.
func (p *Phone) Received() <-chan *Received { return p.received }

// Faults returns the faults of the other side so far.
func (p *Phone) Faults() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.faults)
}

// Statuses returns the phone's final responses to INVITEs so far.
func (p *Phone) Statuses() []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.statuses)
}

// Notes returns the events of the phone, for the log of a test.
func (p *Phone) Notes() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.notes, "\n")
}

func (p *Phone) fault(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, fmt.Sprintf(format, args...))
}

func (p *Phone) note(what, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.notes) < maxQueue {
		p.notes = append(p.notes, time.Now().Format("05.000000 ")+what+" "+text)
	}
}

func (p *Phone) send(m *Message) error {
	p.note("SIP sent", m.String())
	return p.sip.Send(p.o.Proxy, m)
}

// Register registers the phone for a minute, and gets its GRUU.
func (p *Phone) Register(ctx context.Context) error { return p.register(ctx, "60") }

// Unregister removes the registration.
func (p *Phone) Unregister(ctx context.Context) error { return p.register(ctx, "0") }

func (p *Phone) register(ctx context.Context, expires string) error {
	var authorization string
	for try := 0; ; try++ {
		p.seq++
		m := p.request("REGISTER", "sip:"+p.o.Domain, p.callID, p.seq, "<"+p.o.aor()+">;tag="+token(8), "<"+p.o.aor()+">")
		m.Add("Supported", "gruu")
		m.Add("Contact", "<"+p.sip.Contact(p.o.User)+`>;+sip.instance="<`+p.instance+`>"`)
		m.Add("Expires", expires)
		if authorization != "" {
			m.Add("Authorization", authorization)
		}
		res, err := p.transact(ctx, m)
		if err != nil {
			return err
		}
		challenges := res.All("WWW-Authenticate")
		if res.Status() == 401 && try == 0 && len(challenges) > 0 {
			challenge := challenges[0]
			for _, c := range challenges {
				if strings.Contains(c, "MD5") {
					challenge = c
				}
			}
			authorization = authorize(challenge, "REGISTER", m.URI(), p.o.User, p.o.Password)
			continue
		}
		if res.Status() != 200 {
			return fmt.Errorf("REGISTER: %s", res.Start)
		}
		return p.learnGRUU(res, expires)
	}
}

// learnGRUU takes the GRUU for the own instance. See RFC 5627, section 4.2.
func (p *Phone) learnGRUU(res *Message, expires string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range res.All("Contact") {
		if _, rest, ok := strings.Cut(c, `pub-gruu="`); ok && strings.Contains(c, p.instance) {
			p.gruu, _, _ = strings.Cut(rest, `"`)
		}
	}
	if expires != "0" && !p.o.AddressContact {
		if p.gruu == "" {
			return errors.New("REGISTER: no GRUU")
		}
		p.contact = p.gruu
	}
	return nil
}

// request makes a request; cseq may be that of an INVITE for its ACK.
func (p *Phone) request(method, uri, callID string, cseq int, from, to string) *Message {
	m := &Message{Start: method + " " + uri + " SIP/2.0"}
	m.Add("Via", p.sip.Via()+";rport")
	m.Add("Max-Forwards", "70")
	m.Add("From", from)
	m.Add("To", to)
	m.Add("Call-ID", callID)
	m.Add("CSeq", fmt.Sprint(cseq, " ", method))
	m.Add("User-Agent", "strict peer")
	return m
}

// transact sends a request and returns its final response. Over UDP the request is
// repeated.
func (p *Phone) transact(ctx context.Context, m *Message) (*Message, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	branch, c := branchOf(m), make(chan *Message, 10)
	p.mu.Lock()
	p.waiting[branch] = c
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.waiting, branch)
		p.mu.Unlock()
	}()
	if err := p.send(m); err != nil {
		return nil, err
	}
	interval := t1
	repeat := time.NewTimer(interval)
	defer repeat.Stop()
	for {
		select {
		case res := <-c:
			if res.Status() >= 200 {
				return res, nil
			}
			if m.Method() == "INVITE" {
				repeat.Stop()
			}
		case <-repeat.C:
			if p.o.TCP {
				continue
			}
			if err := p.send(m); err != nil {
				return nil, err
			}
			interval *= 2
			repeat.Reset(interval)
		case <-ctx.Done():
			return nil, fmt.Errorf("%s: %w", m.Method(), ctx.Err())
		case <-p.ctx.Done():
			return nil, p.ctx.Err()
		}
	}
}

func branchOf(m *Message) string {
	_, rest, _ := strings.Cut(m.Get("Via"), ";branch=")
	branch, _, _ := strings.Cut(rest, ";")
	return branch
}
