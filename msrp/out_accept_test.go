package msrp

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestPeerAcceptTypes sends what the peer's SDP accepts, and nothing else.
func TestPeerAcceptTypes(t *testing.T) {
	s, p := senderWith(t, Config{}, SessionConfig{PeerAcceptTypes: []string{"text/*", "message/cpim"}, PeerMaxSize: 5})
	for _, m := range []Message{
		{ContentType: "image/png", Body: strings.NewReader("x"), Size: 1},
		textMessage("longer"),
	} {
		var se *StatusError
		if _, err := s.Send(testCtx(t), m); !errors.As(err, &se) || se.Code != 415 && se.Code != 413 {
			t.Errorf("got %v", err)
		}
	}
	p.Quiet(10 * time.Millisecond)
	_, ec := sendTo(s, Message{ContentType: "TEXT/html;charset=utf-8", Body: strings.NewReader("x"), Size: 1})
	p.Answer(p.Next(), 200, "OK")
	if err := next(t, ec); err != nil {
		t.Fatal(err)
	}
	_, ec = sendTo(s, Message{}) // without a type, it keeps the connection open
	p.Answer(p.Next(), 200, "OK")
	if err := next(t, ec); err != nil {
		t.Fatal(err)
	}
	m := &Media{AcceptTypes: []string{"message/cpim", "text/plain;format=flowed"}, AcceptWrappedTypes: []string{"image/*"}}
	for ct, want := range map[string][2]bool{
		"message/cpim":              {true, true},
		"text/plain; charset=utf-8": {true, true},
		"image/png":                 {false, true},
		"video/mp4":                 {false, false},
		"":                          {false, false},
	} {
		if m.Accepts(ct) != want[0] || m.AcceptsWrapped(ct) != want[1] {
			t.Errorf("%q: %v %v", ct, m.Accepts(ct), m.AcceptsWrapped(ct))
		}
	}
	if (&Media{AcceptTypes: []string{"text/plain"}}).AcceptsWrapped("image/png") {
		t.Error("nothing said about wrapped types takes all")
	}
}

// TestPeerAcceptWrappedTypes sends containers whose contents the peer accepts. See
// RFC 4975, section 8.6.
func TestPeerAcceptWrappedTypes(t *testing.T) {
	for _, test := range []struct {
		types, wrapped []string
		inner          string
		ok             bool
	}{
		{[]string{"message/cpim", "text/plain"}, nil, "text/plain", true},
		{[]string{"message/cpim"}, nil, "text/plain", false},
		{[]string{"message/cpim"}, []string{"text/*"}, "text/plain", true},
		{[]string{"message/cpim"}, []string{"TEXT/*"}, "Text/Plain; charset=utf-8", true},
		{[]string{"message/cpim"}, []string{"text/*"}, "image/png", false},
		{[]string{"message/cpim"}, []string{"*"}, "image/png", true},
		{[]string{"*"}, nil, "image/png", true},
		{nil, nil, "image/png", true},
	} {
		m := &Media{AcceptTypes: test.types, AcceptWrappedTypes: test.wrapped}
		if got := m.AcceptsIn("message/CPIM", test.inner); got != test.ok {
			t.Errorf("%+v: AcceptsIn gives %v", test, got)
		}
		p := newPair(t, withHandler(discard), func(_, _ *Config, a, _ *SessionConfig) {
			a.PeerAcceptTypes, a.PeerAcceptWrappedTypes = test.types, test.wrapped
		})
		m2 := textMessage("From: x\r\n\r\n")
		m2.ContentType, m2.WrappedTypes = "message/cpim", []string{test.inner}
		_, err := p.a.Send(testCtx(t), m2)
		var se *StatusError
		if (err == nil) != test.ok || err != nil && (!errors.As(err, &se) || se.Code != StatusUnsupportedType) {
			t.Errorf("%+v: %v", test, err)
		}
	}
}

// TestPeerMaxSize sends what is as long as the peer's max-size, and nothing that is
// longer, whether its size is known or not. See RFC 4975, section 8.6.
func TestPeerMaxSize(t *testing.T) {
	const most = 100
	for _, test := range []struct {
		name        string
		limit       int64
		chunk, size int
		known, sent bool
	}{
		{"at the limit", most, 0, most, true, true},
		{"beyond it", most, 0, most + 1, true, false},
		{"beyond it, in chunks", most, 40, most + 1, true, false},
		{"at the limit, size unknown", most, 0, most, false, true},
		{"beyond it, size unknown", most, 0, most + 1, false, false},
		{"no limit", 0, 0, most + 1, true, true},
		{"no limit, size unknown", 0, 0, most + 1, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, p := senderWith(t, Config{ChunkSize: test.chunk}, SessionConfig{PeerMaxSize: test.limit})
			m := binaryMessage(noise(test.size))
			if !test.known {
				m.Size = -1
			}
			_, ec := sendTo(s, m)
			if test.sent {
				p.Answer(p.Next(), 200, "OK")
				if err := next(t, ec); err != nil {
					t.Fatal(err)
				}
				return
			}
			err := next(t, ec)
			var refused *NotAcceptedError
			var se *StatusError
			if !errors.As(err, &refused) || refused.MaxSize != most || refused.ContentType != "" {
				t.Errorf("got %v", err)
			}
			if !errors.As(err, &se) || se.Code != StatusTooLarge {
				t.Errorf("%v wraps %v", err, se)
			}
			p.Quiet(10 * time.Millisecond)
		})
	}
}

// TestPeerMaxSizeAborts aborts a message of unknown size that becomes too long when
// chunks of it have been sent.
func TestPeerMaxSizeAborts(t *testing.T) {
	s, p := senderWith(t, Config{ChunkSize: 40}, SessionConfig{PeerMaxSize: 100})
	m := binaryMessage(noise(130))
	m.Size = -1
	_, ec := sendTo(s, m)
	for i, flag := range []byte{'+', '+', '#'} {
		f := p.Next()
		if f.Flag != flag {
			t.Fatalf("chunk %d ends with %c", i, f.Flag)
		}
		p.Answer(f, 200, "OK")
	}
	var refused *NotAcceptedError
	if err := next(t, ec); !errors.As(err, &refused) {
		t.Errorf("got %v", err)
	}
}

// TestSetPeer accepts a session before the peer's SDP is known, as an offerer that
// listens does, and sends by what the answer says.
func TestSetPeer(t *testing.T) {
	handler, ch := collect(1)
	p := newPair(t, func(_, _ *Config, a, b *SessionConfig) { a.Handler, b.Remote = handler, nil })
	answer := &Media{Path: Path{p.a.Local()}, AcceptTypes: []string{"message/cpim"}, AcceptWrappedTypes: []string{"text/plain"},
		MaxSize: 10, Fingerprints: []string{"sha-256 AB"}} // which counts over TLS alone
	if err := p.b.SetPeer(answer); err != nil {
		t.Fatal(err)
	}
	long := textMessage(strings.Repeat("x", 11))
	long.ContentType = TypeCPIM
	image := textMessage("x")
	image.ContentType, image.WrappedTypes = TypeCPIM, []string{"image/png"}
	for _, test := range []struct {
		m    Message
		want NotAcceptedError
		text string
	}{
		{textMessage("x"), NotAcceptedError{ContentType: "text/plain", Accepted: []string{"message/cpim"}},
			`msrp: not sent: the peer does not accept "text/plain", only "message/cpim"`},
		{image, NotAcceptedError{ContentType: "image/png", Wrapped: true, Accepted: []string{"text/plain", "message/cpim"}},
			`msrp: not sent: the peer does not accept "image/png" in a container, only "text/plain message/cpim"`},
		{long, NotAcceptedError{MaxSize: 10}, "msrp: not sent: the peer accepts messages of 10 bytes at most"},
	} {
		_, err := p.b.Send(testCtx(t), test.m)
		var got *NotAcceptedError
		if !errors.As(err, &got) || !reflect.DeepEqual(*got, test.want) || err.Error() != test.text {
			t.Errorf("got %v", err)
		}
	}
	m := textMessage("From: x\r\n")
	m.ContentType, m.WrappedTypes = TypeCPIM, []string{"text/plain"}
	if _, err := p.b.Send(testCtx(t), m); err != nil {
		t.Fatal(err)
	}
	if g := next(t, ch); g.err != nil {
		t.Error(g.err)
	}
}

// TestSetPeerWhileSendWaits gives the peer's SDP to a session in which a Send waits
// for the peer to connect: the message is checked against it all the same.
func TestSetPeerWhileSendWaits(t *testing.T) {
	l := testListener(t, Config{})
	s, err := l.Accept(SessionConfig{Local: l.NewURI("")})
	if err != nil {
		t.Fatal(err)
	}
	_, ec := sendTo(s, textMessage("x"))
	awaitSends(t, s, 1)
	us := testURI(t, "msrp://127.0.0.1:9/us;tcp")
	if err := s.SetPeer(&Media{Path: Path{us}, AcceptTypes: []string{"image/*"}}); err != nil {
		t.Fatal(err)
	}
	d, err := Dial(testCtx(t), Config{Logger: quiet}, SessionConfig{Local: us, Remote: Path{s.Local()}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var refused *NotAcceptedError
	if err := next(t, ec); !errors.As(err, &refused) || refused.ContentType != "text/plain" {
		t.Errorf("got %v", err)
	}
}
