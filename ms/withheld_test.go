package ms

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/msrp"
)

// wantDevice checks that a push has left something because of the device.
func wantDevice(t *testing.T, resp mscp.Element, why string) {
	t.Helper()
	r, ok := resp.(*mscp.MsgNotSended)
	if !ok || !strings.HasPrefix(r.Reason, mscp.ReasonDevice) || !strings.Contains(r.Reason, why) {
		t.Errorf("got %+v, want one with %q", resp, why)
	}
}

// TestTypeThatIsNotListed has a device that takes HTML alone: a plain text is not sent
// to it, and not lost for the next device, while what it takes goes through.
func TestTypeThatIsNotListed(t *testing.T) {
	a := newFakeAS(t, nil)
	a.leave(text("plain"), msrp.Message{ContentType: "text/html", Body: strings.NewReader("<p>"), Size: 3})
	l := a.rawPush(t, "accept-types:text/html")
	resp := a.sendMsg(l)
	f := l.Next()
	if f.Get("Content-Type") != "text/html" || string(f.Body) != "<p>" {
		t.Fatalf("got %+v", f)
	}
	l.Answer(f, 200, "OK")
	wantDevice(t, <-resp, "text/plain")
	a.bye(l)
	a.wantKept(1)
	if aside := a.ms.Store().Aside(""); len(aside) > 0 {
		t.Errorf("set aside: %+v", aside)
	}
	if took, resp := a.push([]string{"*"}, nil); bodies(took) != "plain" {
		t.Errorf("took %+v: %+v", took, resp)
	}
}

// TestRefusalIsOfOneDevice has a device refuse a message in the ways that mean the
// message: those behind it come through, and another device gets it.
func TestRefusalIsOfOneDevice(t *testing.T) {
	for _, code := range []int{400, 403, 413, 415, 423, 488, 501} {
		a := newFakeAS(t, nil)
		a.leave(text("one"), text("two"), text("three"))
		for range 3 {
			took, resp := a.push([]string{"*"}, func(g got) error {
				if g.body == "two" {
					return &msrp.StatusError{Code: code, Reason: "Nope"}
				}
				return nil
			})
			wantDevice(t, resp, "Nope")
			if b := bodies(took); b != "one,three" && b != "" {
				t.Errorf("%d: took %s", code, b)
			}
			a.wantKept(1)
		}
		if aside := a.ms.Store().Aside(""); len(aside) > 0 {
			t.Errorf("%d: set aside: %+v", code, aside)
		}
		if took, _ := a.push([]string{"*"}, nil); bodies(took) != "two" {
			t.Errorf("%d: took %s", code, bodies(took))
		}
	}
}

// TestGivenUp lets the time pass that a message is refused: it is set aside, and its
// sender, which has asked for that, gets a notification. The operator can have it
// delivered again.
func TestGivenUp(t *testing.T) {
	a := newFakeAS(t, func(c *Config) { c.Push.GiveUp = time.Nanosecond })
	a.notified = make(chan mscp.Element, 20)
	a.leave(cpimMessage(cpimText("NS: imdn <urn:ietf:params:imdn>", "imdn.Message-ID: 34jk324j",
		"imdn.Disposition-Notification: negative-delivery")), text("silent"))
	refuse := func(got) error { return &msrp.StatusError{Code: 415, Reason: "Nope"} }
	_, resp := a.push([]string{"*"}, refuse)
	wantDevice(t, resp, "Nope")
	a.wantKept(2)
	if _, resp = a.push([]string{"*"}, refuse); mscp.Name(resp) != "MsgSended" {
		t.Errorf("%+v", resp)
	}
	a.wantKept(0)
	aside := a.ms.Store().Aside(bob)
	if len(aside) != 2 || !strings.Contains(aside[0].Reason, "Nope") || a.counter("mscp_mediaserver_messages_given_up_total") != 2 {
		t.Fatalf("set aside: %+v", aside)
	}
	a.wantNotified(t, alice, bob, "2")
	a.wantNotified(t, bob, alice, "1")
	took, _ := a.pushTo(bob, alice, []string{"*"}, nil)
	if len(took) != 1 || !strings.Contains(took[0].body, "34jk324j") || !strings.Contains(took[0].body, "<delivery-notification><status><failed/></status></delivery-notification>") {
		t.Errorf("the sender is told %+v", took)
	}
	if err := a.ms.Store().Restore(a.ctx(), aside[1].ID); err != nil {
		t.Fatal(err)
	}
	if took, _ := a.push([]string{"*"}, nil); bodies(took) != "silent" {
		t.Errorf("put back, took %s", bodies(took))
	}
}

// TestNeverGivenUp has a message refused again and again without a limit.
func TestNeverGivenUp(t *testing.T) {
	a := newFakeAS(t, func(c *Config) { c.Push.GiveUp = 0 })
	a.leave(text("one"))
	for range 4 {
		_, resp := a.push([]string{"text/html"}, nil)
		wantDevice(t, resp, "text/plain")
	}
	a.wantKept(1)
}

// TestDeviceThatRefusesEverything is not sent all that is kept.
func TestDeviceThatRefusesEverything(t *testing.T) {
	a := newFakeAS(t, func(c *Config) { c.Push.Window = 1 })
	for i := range maxRefusals + 10 {
		a.keep(alice, bob, "text/plain", fmt.Sprint(i))
	}
	tried := 0
	_, resp := a.push([]string{"*"}, func(got) error {
		tried++
		return &msrp.StatusError{Code: 403, Reason: "Nope"}
	})
	wantDevice(t, resp, "Nope")
	if tried != maxRefusals {
		t.Errorf("%d were tried", tried)
	}
	a.wantKept(maxRefusals + 10)
}

// TestFormOfAMessage pushes to devices that take a message in one way only.
func TestFormOfAMessage(t *testing.T) {
	inCPIM := cpimMessage("From: <sip:alice@example.com>\r\nTo: <sip:bob@example.com>\r\n\r\nContent-Type: text/plain\r\nContent-Disposition: inline\r\n\r\nhi")
	encoded := cpimMessage("From: <sip:alice@example.com>\r\nTo: <sip:bob@example.com>\r\n\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\naGk=")
	image := msrp.Message{ContentType: "image/png", Body: strings.NewReader("hi"), Size: 2}
	for name, tc := range map[string]struct {
		message    msrp.Message
		attributes []string
		want       string // Content-Type; "" if it waits
	}{
		"wrapped because the type is listed for that alone": {image, []string{"accept-types:message/cpim text/plain", "accept-wrapped-types:image/*"}, "message/cpim"},
		"wrapped, all is listed":                            {image, []string{"accept-types:message/cpim", "accept-wrapped-types:*"}, "message/cpim"},
		"wrapped, in upper case":                            {text("hi"), []string{"accept-types:Message/CPIM", "accept-wrapped-types:TEXT/*"}, "message/cpim"},
		"not listed inside":                                 {image, []string{"accept-types:message/cpim", "accept-wrapped-types:text/*"}, ""},
		"not listed at all":                                 {image, []string{"accept-types:message/cpim text/*", "accept-wrapped-types:text/*"}, ""},
		"taken out of its CPIM":                             {inCPIM, []string{"accept-types:text/plain"}, "text/plain"},
		"in CPIM for who takes it":                          {inCPIM, []string{"accept-types:message/cpim text/plain"}, "message/cpim"},
		"in CPIM with what is not taken":                    {inCPIM, []string{"accept-types:message/cpim image/png"}, ""},
		"not to be taken out":                               {encoded, []string{"accept-types:text/plain"}, ""},
		"in CPIM and the inner type unknown":                {inCPIM, []string{"accept-types:image/png"}, ""},
		"too large":                                         {text("hi"), []string{"accept-types:*", "max-size:1"}, ""},
		"just as large":                                     {text("hi"), []string{"accept-types:*", "max-size:2"}, "text/plain"},
		"any size":                                          {text("hi"), []string{"accept-types:*", "max-size:0"}, "text/plain"},
		"no list":                                           {text("hi"), []string{"sendrecv"}, "text/plain"},
		"with parameters":                                   {msrp.Message{ContentType: "text/plain; charset=utf-8", Body: strings.NewReader("hi"), Size: 2}, []string{"accept-types:text/plain"}, "text/plain; charset=utf-8"},
	} {
		t.Run(name, func(t *testing.T) {
			if s, ok := tc.message.Body.(io.Seeker); ok {
				_, _ = s.Seek(0, io.SeekStart)
			}
			a := newFakeAS(t, nil)
			a.leave(tc.message)
			l := a.rawPush(t, tc.attributes...)
			resp := a.sendMsg(l)
			if tc.want == "" {
				wantDevice(t, <-resp, "")
				a.wantKept(1)
				return
			}
			f := l.Next()
			if f.Get("Content-Type") != tc.want || !strings.HasSuffix(string(f.Body), "hi") {
				t.Errorf("got %+v\n%s", f, f.Body)
			}
			if size := fmt.Sprintf("1-%d/%d", len(f.Body), len(f.Body)); f.Get("Byte-Range") != size {
				t.Errorf("Byte-Range %s, want %s", f.Get("Byte-Range"), size)
			}
			l.Answer(f, 200, "OK")
			if r := <-resp; mscp.Name(r) != "MsgSended" {
				t.Errorf("%+v", r)
			}
			a.wantKept(0)
		})
	}
}

// TestDeviceWithoutMSRP refuses the m-line of the offer.
func TestDeviceWithoutMSRP(t *testing.T) {
	a := newFakeAS(t, nil)
	a.leave(text("hi"))
	leg := a.invite(nil)
	answer := strings.Replace(string(rawSDP(rawPath, "accept-types:*")), "message 9", "message 0", 1)
	if err := leg.Ack(a.ctx(), []byte(answer), sdpType); err != nil {
		t.Fatal(err)
	}
	wantDevice(t, a.do(&mscp.SendMsg{FromURI: alice, ToURI: bob, ConnectionID: leg.ID().String()}), "refused the MSRP session")
	a.wantKept(1)
}
