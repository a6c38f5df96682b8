package msrp

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
)

const cpimText = "From: MR SANDERS <im:piglet@100akerwood.com>\r\n" +
	"To: Depressed Donkey <im:eeyore@100akerwood.com>\r\n" +
	"DateTime: 2000-12-13T13:40:00-08:00\r\n" +
	"NS: imdn <urn:ietf:params:imdn>\r\n" +
	"imdn.Message-ID: 34jk324j\r\n" +
	"imdn.Disposition-Notification: positive-delivery, Display\r\n" +
	"\r\n" +
	"Content-type: text/plain; charset=ISO-8859-1\r\n" +
	"Content-ID: <1234567890@foo.com>\r\n" +
	"\r\n" +
	"Here is the text of my message."

func TestReadCPIM(t *testing.T) {
	for name, text := range map[string]string{
		"plain":       cpimText,
		"LF alone":    strings.ReplaceAll(cpimText, "\r\n", "\n"),
		"own MIME":    "Content-Type: Message/CPIM\r\n\r\n" + cpimText,
		"folded MIME": strings.Replace(cpimText, "; charset", ";\r\n charset", 1),
	} {
		c, err := ReadCPIM(strings.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		body, _ := io.ReadAll(c.Body)
		if string(body) != "Here is the text of my message." || c.Address("from") != "im:piglet@100akerwood.com" ||
			c.Address("to") != "im:eeyore@100akerwood.com" || !IsType(c.ContentType(), "text/plain") ||
			c.Charset() != "iso-8859-1" || c.IsNotification() ||
			strings.Join(c.Wants(), " ") != "positive-delivery display" {
			t.Errorf("%s: got %+v %q", name, c, body)
		}
	}
	for name, text := range map[string]string{
		"empty":     "",
		"cut":       "From: <a>\r\n\r\nContent-Type: a/b\r\n",
		"no colon":  "From\r\n\r\n\r\n",
		"long line": strings.Repeat("x", 1<<20),
		"long":      strings.Repeat("A: "+strings.Repeat("x", 1000)+"\r\n", 20) + "\r\n\r\n",
		"many":      strings.Repeat("A: x\r\n", MaxHeaders+5) + "\r\n\r\n",
	} {
		if c, err := ReadCPIM(strings.NewReader(text)); err == nil {
			t.Errorf("%s: taken: %+v", name, c)
		}
	}
}

func TestCPIMNotifications(t *testing.T) {
	for ct, want := range map[string]bool{
		"application/im-iscomposing+xml": true, "message/IMDN+xml; charset=utf-8": true, "": false, "text/plain": false,
	} {
		c := &CPIM{Content: Header{{"content-TYPE", ct}}}
		if c.IsNotification() != want {
			t.Errorf("%q: not %v", ct, want)
		}
	}
}

func TestCPIMWriterRefuses(t *testing.T) {
	addresses := Header{{"From", "<im:a@b>"}, {"To", "<im:c@d>"}}
	if _, err := (&CPIM{Header: addresses}).Reader(); err != nil {
		t.Fatal(err)
	}
	for _, f := range []Field{{"", "x"}, {"A:", "x"}, {"A", "x\r\nB: y"}, {"A", strings.Repeat("x", MaxCPIMHeaders)},
		{"from", "<im:e@f>"}} {
		if _, err := (&CPIM{Header: append(addresses[:2:2], f)}).Reader(); err == nil {
			t.Errorf("%q taken", f.Name)
		}
	}
	for i := range addresses {
		if _, err := (&CPIM{Header: addresses[i : i+1]}).Reader(); err == nil {
			t.Errorf("taken with %s alone", addresses[i].Name)
		}
	}
}

func FuzzCPIM(f *testing.F) {
	f.Add([]byte(cpimText))
	f.Add([]byte("Content-Type: Message/CPIM\n\nTo: <a>\n\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ReadCPIM(bytes.NewReader(b))
		if err != nil {
			return
		}
		body, err := io.ReadAll(c.Body)
		if err != nil {
			t.Fatal(err)
		}
		c.Body = bytes.NewReader(body)
		if c.Content.Get(hdrContentType) == "" {
			c.Content = append(c.Content, Field{hdrContentType, "text/plain"})
		}
		if onlyContent(c.Header) {
			return // would be taken for a MIME part around it
		}
		r, err := c.Reader()
		if err != nil || strings.ContainsFunc(fmt.Sprint(c.Header, c.Content), isControl) {
			return
		}
		d, err := ReadCPIM(r)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := io.ReadAll(d.Body)
		if !bytes.Equal(again, body) || fmt.Sprint(d.Header, d.Content) != fmt.Sprint(c.Header, c.Content) {
			t.Fatalf("%v %v %q\n%v %v %q", c.Header, c.Content, body, d.Header, d.Content, again)
		}
	})
}
