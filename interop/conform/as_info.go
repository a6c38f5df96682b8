package conform

import (
	"bufio"
	"context"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"time"

	"github.com/gomscp/gomscp/interop/conform/draft"
	"github.com/gomscp/gomscp/sipua"
)

// infoASCases are those of section 7.1, of channels over SIP INFO.
func (b *bench) infoASCases() []Case {
	return []Case{
		must("mscp-as/7.1/1", "over INFO, each request is a document of its own, which its response names by id", b.onInfo(func(a *asCase) {
			a.byHand()
			s := a.store(a.newUser())
			a.ask("RestoreMsg").succeed()
			s.up()
			s.heard()
		})),
		must("mscp-as/7.1/2", "over INFO, consecutive requests have rising ids", b.onInfo(func(a *asCase) {
			for range 3 {
				a.store(a.newUser()).up().end()
			}
			_, q, _ := a.pushing() // ids are judged as they are read
			q.succeed()
		})),
		must("mscp-as/7.1/3", "over INFO, responses in reverse order reach the calls that their ids name", b.onInfo(func(a *asCase) {
			a.byHand()
			s := a.store(a.newUser())
			q := a.ask("RestoreMsg")
			q.succeed()
			s.up()
			if q.ID == "" {
				a.t.Skipf("requests have no ids")
			}
			reversed(a)
		})),
		must("mscp-as/7.1/4", "over INFO, an INFO without a document, or with another type, does not end the service", b.onInfo(func(a *asCase) {
			for _, kind := range []string{"text/plain", "application/mscp+xml"} {
				ctx, cancel := a.t.within()
				_ = a.c.call.Info(ctx, kind, []byte("conform")) // it may be refused
				cancel()
			}
			a.works()
		})),
		must("mscp-as/7.1/5", "over INFO, there is a new dialog after the media server's BYE, and when the last one ends, outstanding requests are resolved", b.onInfo(func(a *asCase) {
			a.byHand()
			s := a.store(a.newUser())
			a.ask("RestoreMsg")
			old := a.c
			hangUp(a.c.call)
			next(a, s.done, "final response to a caller whose request was outstanding")
			a.serves()
			if a.c == old {
				a.t.Error("the dialog is the old one")
			}
		})),
		should("mscp-as/7.1/6", "over INFO, requests have ids", b.onInfo(func(a *asCase) {
			a.byHand()
			s := a.store(a.newUser())
			q := a.ask("RestoreMsg")
			if q.ID == "" {
				a.t.Error("there is none")
			}
			q.succeed()
			s.up()
		})),
	}
}

// onInfo is on for cases about channels over INFO.
func (b *bench) onInfo(run func(a *asCase)) func(*T) {
	return b.on(func(a *asCase) {
		if !a.c.control.info {
			a.t.Skipf("the channel does not go over SIP INFO")
		}
		run(a)
	})
}

// infoAnswer is a session description without media.
func infoAnswer(host string) string {
	return fmt.Sprintf("v=0\r\no=ms 1435262 %d IN IP4 %s\r\ns=-\r\nc=IN IP4 %[2]s\r\nt=0 0\r\n", versions.Add(1), host)
}

// takeInfo has documents in INFO taken, from before the dialog is answered to its end.
func (p *mediaPeer) takeInfo(dialog *control) {
	c := &asChannel{p: p, control: dialog, done: make(chan struct{}), last: big.NewInt(-1), infos: make(chan string, maxEvents)}
	dialog.in.OnInfo(func(_ context.Context, i sipua.Info) error {
		documents, err := i.Find("application/mscp+xml")
		for _, d := range documents {
			p.b.note("<", d.Content)
			dialog.requests.Add(1)
			c.take(draft.Info(d.Content))
		}
		return err
	})
	go c.sendInfo()
}

// sendInfo sends what waits, one INFO after the other, until the dialog ends.
func (c *asChannel) sendInfo() {
	defer close(c.done)
	dialog := c.control
	select {
	case <-dialog.ready:
	case <-dialog.ended:
		return
	}
	c.call = dialog.call
	c.p.mu.Lock()
	c.p.current = c
	c.p.mu.Unlock()
	push(c.p.came, c)
	for {
		select {
		case doc := <-c.infos:
			ctx, cancel := context.WithTimeout(dialog.ctx, DefaultTimeout)
			_ = c.call.Info(ctx, "application/mscp+xml", []byte(doc)) // what comes of it is a case's own matter
			cancel()
		case <-dialog.ended:
			return
		}
	}
}

var (
	responseStart = regexp.MustCompile(`^MSCP/1\.0 ([0-9]{3}) .* (\S+)\r\n`)
	responseTag   = regexp.MustCompile(`<((?:[a-z]+:)?response)\b`)
	containedTag  = regexp.MustCompile(`(<response[^>]*><(?:[a-z]+:)?[A-Za-z]+)\b`)
)

// inform sends the documents of PDUs in INFO. A response has its id, and a status that is
// not 200, in the document.
func (c *asChannel) inform(pdus string) {
	for r := bufio.NewReader(strings.NewReader(pdus)); ; {
		p, err := draft.Read(r)
		if err != nil {
			return
		}
		doc := string(p.Body)
		if m := responseStart.FindStringSubmatch(string(p.Raw)); m != nil {
			doc = responseTag.ReplaceAllString(doc, fmt.Sprintf(`<$1 id="%s"`, m[2]))
			if m[1] != "200" {
				doc = containedTag.ReplaceAllString(doc, fmt.Sprintf(`$1 xmlns:c="urn:x-conform" c:status="%s"`, m[1]))
			}
		}
		select {
		case c.infos <- doc:
		case <-c.done:
			return
		case <-time.After(DefaultTimeout):
			return
		}
	}
}

// number is the last number in a request-id or XML id.
func number(id string) (*big.Int, bool) {
	return new(big.Int).SetString(id[len(strings.TrimRight(id, "0123456789")):], 10)
}
