package mediaserver_test

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/mscp/mediaserver"
)

// A speller is a media server with a dialog language of its own: the src of a dialog is
// a word, which it spells to its user, and tells the AS letter by letter.
type speller struct {
	media *mediaserver.Server
	runs  sync.WaitGroup
}

func newSpeller() *speller {
	s := &speller{}
	s.media = mediaserver.New(mediaserver.Functions{
		HasConnection: func(id string) bool { return id == mscp.ConnectionID("call", "1", "2") },
		StartDialog: func(_ context.Context, d mediaserver.Dialog) error {
			if strings.Contains(d.Document.Src, "/") {
				return fmt.Errorf("%s is no word", d.Document.Src)
			}
			s.runs.Go(func() { s.spell(d) }) // it may overtake the response; its events do not
			return nil
		},
	})
	return s
}

func (s *speller) spell(d mediaserver.Dialog) {
	for _, letter := range d.Document.Src {
		e := &mscp.DialogUser{EventName: "letter", Namelist: []mscp.Item{{Name: "is", Value: string(letter)}}}
		if s.media.DialogNotify(d.ID, e) != nil {
			return // the AS has ended the dialog
		}
	}
	s.media.DialogExited(d.ID, nil)
}

// answer answers the offer of an INVITE, and serves its control dialog until ctx ends,
// which is with the SIP dialog. Then what the AS has left ends.
func (s *speller) answer(ctx context.Context, offer []byte) ([]byte, error) {
	a := &mscp.Acceptor{Host: "127.0.0.1"}
	owner := s.media.Control(a, mscp.Config{})
	body, err := a.Answer(offer)
	if err != nil {
		return nil, err
	}
	s.runs.Go(func() {
		defer owner.Close(context.Background())
		_ = a.Run(ctx) // mscp.ErrOrphan: no connection came
	})
	return body, nil
}

// A media server with dialogs of its own.
func ExampleServer() {
	ms := newSpeller()
	defer ms.runs.Wait()
	ctx, hangUp := context.WithCancel(context.Background())
	defer hangUp() // before the wait

	events := make(chan string, 10)
	as := &mscp.Connector{Host: "127.0.0.1", Config: mscp.Config{OnNotification: func(e mscp.Element) {
		if u, ok := e.(*mscp.DialogUser); ok {
			events <- u.EventName + " " + u.Namelist[0].Value
		} else {
			events <- mscp.Name(e)
		}
	}}}
	client, err := as.Connect(ctx, ms.answer)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	for _, src := range []string{"no/word", "abc"} {
		answer, err := client.Do(ctx, &mscp.DialogStart{Src: src, ConnectionID: mscp.ConnectionID("call", "1", "2")})
		if reason, failed := mscp.ErrorReason(answer); failed {
			fmt.Println(mscp.Name(answer)+":", reason)
		} else {
			fmt.Println(mscp.Name(answer), err)
		}
	}
	for range 4 {
		fmt.Println(<-events)
	}
	// Output:
	// errordialognotstarted: no/word is no word
	// dialogstarted <nil>
	// letter a
	// letter b
	// letter c
	// dialogexit
}
