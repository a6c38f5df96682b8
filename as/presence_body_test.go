package as

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/internal/testutil"
)

// TestPresenceDocuments has a presence server written by hand send what is no document:
// it hears why, is asked again, and says nothing of the recipient by it.
func TestPresenceDocuments(t *testing.T) {
	w := newWire(t)
	s := startAS(t, func(c *Config) { c.Presence.Server = w.Addr() }, newFakeMS(t))
	words := make(chan bool, 10)
	stop, err := s.presence.Watch(testContext(t), "sip:bob@example.com", func(reachable, _ bool) { words <- reachable })
	if err != nil {
		t.Fatal(err)
	}
	defer func() { go stop() }() // nobody answers any more
	subscribe, from := w.Next("SUBSCRIBE sip:bob@example.com")
	w.reply(subscribe, from, "200 OK\r\nExpires: 600", "")
	seq := 0
	notify := func(contentType, body, status string) string {
		t.Helper()
		seq++
		w.Send(s.Addr(), fmt.Sprintf("NOTIFY sip:as@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK-body-%d\r\nMax-Forwards: 70\r\nFrom: <sip:bob@example.com>;tag=wire\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d NOTIFY\r\nContact: <sip:wire@%s>\r\nEvent: presence\r\nSubscription-State: active;expires=600\r\n%sContent-Length: %d\r\n\r\n%s",
			s.Addr(), w.Addr(), seq, testutil.Field(subscribe, "From"), testutil.Field(subscribe, "Call-ID"), seq, w.Addr(), contentType, len(body), body))
		res, _ := w.Next("SIP/2.0 ")
		if !strings.HasPrefix(res, "SIP/2.0 "+status) {
			t.Errorf("NOTIFY %d got\n%s", seq, res)
		}
		return res
	}
	refreshed := func() {
		t.Helper()
		for refresh := subscribe; testutil.Field(refresh, "CSeq") == testutil.Field(subscribe, "CSeq"); {
			if refresh, from = w.Next("SUBSCRIBE"); testutil.Field(refresh, "CSeq") != testutil.Field(subscribe, "CSeq") {
				w.reply(refresh, from, "200 OK\r\nExpires: 600", "")
				if testutil.Field(refresh, "Call-ID") != testutil.Field(subscribe, "Call-ID") || !strings.HasSuffix(testutil.Field(refresh, "To"), ";tag=wire") {
					t.Errorf("the state is not asked for by a refresh:\n%s", refresh)
				}
				subscribe = strings.Replace(refresh, ";tag=wire", "", 1)
				return
			}
		}
	}
	const pidf = "Content-Type: application/pidf+xml\r\n"
	notify(pidf, openPIDF, "200")
	if got := <-words; !got {
		t.Error("open is not reachable")
	}
	notify(pidf, "<presence", "200")
	refreshed()
	if res := notify("Content-Type: application/pidf-diff+xml\r\n", "<pidf-diff/>", "415"); testutil.Field(res, "Accept") != "application/pidf+xml" {
		t.Errorf("the 415 is\n%s", res)
	}
	refreshed()
	if len(words) != 0 {
		t.Errorf("of documents that say nothing: %+v", <-words)
	}
	notify("Content-Type: multipart/related;boundary=b\r\n", "--b\r\nContent-Type: application/rlmi+xml\r\n\r\n<list/>\r\n--b\r\n"+pidf+"\r\n"+
		strings.Replace(openPIDF, "open", "closed", 1)+"\r\n--b--\r\n", "200")
	if got := <-words; got {
		t.Error("closed in a part is reachable")
	}
	notify("Content-Type: multipart/mixed;boundary=b\r\n", "--b\r\nContent-Type: application/pidf+xml;charset=iso-8859-1\r\n\r\n"+
		strings.Replace(openPIDF, "</presence>", "<note>\xe9</note></presence>", 1)+"\r\n--b--\r\n", "200")
	if got := <-words; !got {
		t.Error("open in a part with a charset is not reachable")
	}
	notify(pidf, "\r\n", "200")
	if got := <-words; got {
		t.Error("nothing known is reachable")
	}
}
