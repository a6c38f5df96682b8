package mscp

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"
)

// TestBothTransports does the same over TCP and over SIP INFO: an application
// cannot tell which of them it has.
func TestBothTransports(t *testing.T) {
	both := map[string]func(t *testing.T, h Handler, ccfg, scfg Config) Doer{
		"TCP": func(t *testing.T, h Handler, ccfg, scfg Config) Doer {
			c, _ := channel(t, h, ccfg, scfg)
			return c
		},
		"INFO": func(t *testing.T, h Handler, ccfg, scfg Config) Doer {
			c, _ := infoPair(t, h, ccfg, scfg)
			return c
		},
	}
	for name, connect := range both {
		t.Run(name, func(t *testing.T) {
			t.Run("responses", func(t *testing.T) { doResponses(t, connect(t, answerAll, Config{}, Config{})) })
			t.Run("strict", func(t *testing.T) { doStrict(t, connect(t, answerWrong, Config{Strict: true}, Config{})) })
			t.Run("any order", func(t *testing.T) { doAnyOrder(t, connect) })
			t.Run("notifications", func(t *testing.T) { doNotifications(t, connect) })
			t.Run("ends", func(t *testing.T) { doEnds(t, connect) })
		})
	}
}

type connector func(t *testing.T, h Handler, ccfg, scfg Config) Doer

// answerAll answers by the connection-id of a SendMsg.
func answerAll(_ context.Context, req Element) (Element, error) {
	m, ok := req.(*SendMsg)
	if !ok {
		return Refuse(req, "not here"), nil
	}
	switch m.ConnectionID {
	case "400":
		return nil, &Error{StatusBadRequest, "bad & wrong"}
	case "500":
		return nil, errors.New("a <fault>")
	case "panic":
		panic("oh")
	case "nothing":
		return nil, nil
	}
	return &MsgSended{m.FromURI, m.ToURI, m.ConnectionID}, nil
}

func doResponses(t *testing.T, c Doer) {
	send := func(id string) Element { return &SendMsg{"sip:a&b@x", "sip:李@x", id} }
	for name, tc := range map[string]struct {
		req  Element
		want Element
		err  error
	}{
		"served":     {send("1"), &MsgSended{"sip:a&b@x", "sip:李@x", "1"}, nil},
		"refused":    {&Join{ID1: "a", ID2: "b"}, &ErrorConferenceJoin{ID1: "a", ID2: "b", Reason: "not here"}, nil},
		"bad":        {send("400"), nil, &Error{400, "bad & wrong"}},
		"fault":      {send("500"), nil, &Error{500, "a <fault>"}},
		"panic":      {send("panic"), nil, &Error{500, "internal error"}},
		"nothing":    {send("nothing"), nil, &Error{500, "no response"}},
		"foreign":    {&Other{Space: "urn:v", Local: "x"}, nil, &Error{400, "x is no request that is known (sections 3.2, 3.3)"}},
		"a response": {&MsgSended{}, nil, &Error{400, "MsgSended is no request that is known (sections 3.2, 3.3)"}},
	} {
		got, err := c.Do(t.Context(), tc.req)
		if !reflect.DeepEqual(got, tc.want) || !reflect.DeepEqual(err, tc.err) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// answerWrong repeats an id wrongly, or answers another question.
func answerWrong(_ context.Context, req Element) (Element, error) {
	if j, ok := req.(*Join); ok {
		return &ConferenceJoined{ID1: j.ID2, ID2: j.ID1}, nil
	}
	return &ConferenceCreated{ConferenceID: "1"}, nil
}

func doStrict(t *testing.T, c Doer) {
	for _, req := range []Element{&Join{ID1: "a", ID2: "b"}, &Unjoin{ID1: "a", ID2: "b"}, benchRequest} {
		var invalid *ValidationError
		if e, err := c.Do(t.Context(), req); !errors.As(err, &invalid) {
			t.Errorf("%s was answered with %+v, %v", Name(req), e, err)
		}
	}
	if _, err := c.Do(t.Context(), &CreateConference{}); err != nil {
		t.Error(err)
	}
}

func doAnyOrder(t *testing.T, connect connector) {
	second := make(chan struct{})
	c := connect(t, func(_ context.Context, req Element) (Element, error) {
		if req.(*SendMsg).ConnectionID == "1" {
			<-second
		} else {
			defer close(second)
		}
		return &MsgSended{ConnectionID: req.(*SendMsg).ConnectionID}, nil
	}, Config{}, Config{})
	var wg sync.WaitGroup
	for _, id := range []string{"1", "2"} {
		wg.Go(func() {
			e, err := c.Do(t.Context(), &SendMsg{ConnectionID: id})
			if r, ok := e.(*MsgSended); err != nil || !ok || r.ConnectionID != id {
				t.Errorf("%s: %+v, %v", id, e, err)
			}
		})
	}
	wg.Wait()
}

func doNotifications(t *testing.T, connect connector) {
	got := make(chan string, 100)
	c := connect(t, echo, Config{}, Config{OnNotification: func(e Element) { got <- e.(*DialogTerminate).DialogID }})
	for i := range 100 {
		if err := c.Notify(t.Context(), &DialogTerminate{DialogID: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 100 {
		if id := <-got; id != fmt.Sprint(i) {
			t.Fatalf("%s in the place of %d", id, i)
		}
	}
}

func doEnds(t *testing.T, connect connector) {
	started := make(chan struct{}, 3)
	c := connect(t, func(ctx context.Context, _ Element) (Element, error) {
		started <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}, Config{}, Config{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	about := func(id string) Element { return &SendMsg{"a", "b", id} } // what is about one connection waits for its turn
	if _, err := c.Do(ctx, about("1")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := c.Do(short, about("2")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("too slow: %v", err)
	}
	<-started
	go func() { <-started; c.Close() }()
	if _, err := c.Do(t.Context(), about("3")); !errors.Is(err, ErrChannelClosed) {
		t.Errorf("closed meanwhile: %v", err)
	}
	if _, err := c.Do(t.Context(), benchRequest); !errors.Is(err, ErrChannelClosed) {
		t.Errorf("closed before: %v", err)
	}
	if err := c.Notify(t.Context(), &DialogTerminate{DialogID: "a"}); !errors.Is(err, ErrChannelClosed) {
		t.Errorf("a notification afterwards: %v", err)
	}
}

func TestCheckAnswer(t *testing.T) {
	for name, tc := range map[string]struct {
		req, resp Element
		ok        bool
	}{
		"prepared anywhere":    {&DialogPrepare{}, &DialogPrepared{DialogID: "d", ConnectionID: "c"}, true},
		"prepared elsewhere":   {&DialogPrepare{ConnectionID: "b"}, &DialogPrepared{DialogID: "d", ConnectionID: "c"}, false},
		"other conference":     {&DialogPrepare{ConferenceID: "b"}, &ErrorDialogNotPrepared{DialogID: "d"}, false},
		"wrong state":          {&DialogPrepare{}, &ErrorDialogWrongState{DialogID: "d"}, true},
		"started":              {&DialogStart{PreparedDialogID: "d"}, &DialogStarted{DialogID: "d", ConnectionID: "c"}, true},
		"another started":      {&DialogStart{PreparedDialogID: "d"}, &DialogStarted{DialogID: "e", ConnectionID: "c"}, false},
		"started anew":         {&DialogStart{}, &DialogStarted{DialogID: "d", ConnectionID: "c"}, true},
		"started with exit":    {&DialogStart{}, &DialogExit{DialogID: "d"}, false},
		"created":              {&CreateConference{}, &ConferenceCreated{ConferenceID: "a"}, true},
		"not created":          {&CreateConference{}, &ErrorConferenceCreate{ConferenceID: "a"}, true},
		"created by joining":   {&CreateConference{}, &ConferenceJoined{}, false},
		"destroyed":            {&DestroyConference{ConferenceID: "a"}, &ConferenceDestroyed{ConferenceID: "a"}, true},
		"another destroyed":    {&DestroyConference{ConferenceID: "a"}, &ErrorConferenceDestroy{ConferenceID: "b"}, false},
		"joined":               {&Join{ID1: "a", ID2: "b"}, &ConferenceJoined{ID1: "a", ID2: "b"}, true},
		"joined the other way": {&Join{ID1: "a", ID2: "b"}, &ErrorConferenceJoin{ID1: "b", ID2: "a"}, false},
		"unjoined":             {&Unjoin{ID1: "a", ID2: "b"}, &ErrorConferenceUnjoin{ID1: "a", ID2: "b"}, true},
		"unjoined by join":     {&Unjoin{ID1: "a", ID2: "b"}, &ConferenceJoined{ID1: "a", ID2: "b"}, false},
		"restored":             {&RestoreMsg{"a", "b", "c", "", ""}, &MsgRestored{"a", "b", "c"}, true},
		"restored another":     {&RestoreMsg{"a", "b", "c", "", ""}, &MsgNotRestored{"a", "b", "d", "r"}, false},
		"sent by restoring":    {&SendMsg{"a", "b", "c"}, &MsgRestored{"a", "b", "c"}, false},
		"foreign":              {&Other{Space: "urn:v", Local: "x"}, &Other{Space: "urn:v", Local: "y"}, true},
		"nothing":              {&Join{ID1: "a", ID2: "b"}, nil, false},
	} {
		if err := CheckAnswer(tc.req, tc.resp); (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
