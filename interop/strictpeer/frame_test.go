package strictpeer

import (
	"bufio"
	"strings"
	"testing"
)

const paths = "To-Path: msrp://127.0.0.1:2855/a;tcp\r\nFrom-Path: msrp://127.0.0.1:2856/b;tcp\r\n"

func parseFrame(text string) (*frame, error) {
	return readFrame(bufio.NewReaderSize(strings.NewReader(text), maxLine))
}

// TestReadFrame reads what the stacks in use have been recorded to send, as far as
// it is as RFC 4975 has it.
func TestReadFrame(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 200)
	for name, tc := range map[string]struct{ text, body string }{
		"response":       {"MSRP d9aecdcb314d2de0 200 OK\r\n" + paths + "-------d9aecdcb314d2de0$\r\n", ""},
		"bare status":    {"MSRP d9aecdcb314d2de0 200\r\n" + paths + "-------d9aecdcb314d2de0$\r\n", ""},
		"binding":        {"MSRP 3cc3689973164455 SEND\r\n" + paths + "Byte-Range: 1-0/0\r\nMessage-ID: 6b75f99c2465076a\r\n-------3cc3689973164455$\r\n", ""},
		"short":          {"MSRP 20e0a7597053427d SEND\r\n" + paths + "Byte-Range: 1-5/5\r\nMessage-ID: 284dff1efb541588\r\nSuccess-Report: yes\r\nContent-Type: text/plain\r\n\r\nhello\r\n-------20e0a7597053427d$\r\n", "hello"},
		"java":           {"MSRP t1GMHNyI SEND\r\n" + paths + "Message-ID: 348c2448828d44daa23a979d166421d7\r\nByte-Range: 1-*/2\r\nContent-Type: text/plain\r\n\r\nab\r\n-------t1GMHNyI$\r\n", "ab"},
		"interruptible":  {"MSRP t1GMHNyI SEND\r\n" + paths + "Message-ID: abcd\r\nByte-Range: 1-*/9000\r\nContent-Type: image/png\r\n\r\n" + long + "\r\n-------t1GMHNyI+\r\n", long},
		"lines within":   {"MSRP t1GMHNyI SEND\r\n" + paths + "Message-ID: abcd\r\nByte-Range: 1-15/15\r\nContent-Type: text/plain\r\n\r\n\r\n-------t1GM\r\n\r\n-------t1GMHNyI$\r\n", "\r\n-------t1GM\r\n"},
		"report":         {"MSRP 93d52405dfa927c1 REPORT\r\n" + paths + "Message-ID: f70c9ef8cfca358d\r\nByte-Range: 1-200/200\r\nStatus: 000 200 OK\r\n-------93d52405dfa927c1$\r\n", ""},
		"file by node":   {"MSRP t0smbcp1 SEND\r\n" + paths + "Message-ID: 4004387707.qpbb5pnr\r\nSuccess-Report: yes\r\nFailure-Report: yes\r\nByte-Range: 1-1/1\r\nContent-Disposition: inline\r\nContent-Type: text/plain\r\n\r\nx\r\n-------t0smbcp1$\r\n", "x"},
		"aborted":        {"MSRP t0smbcp1 SEND\r\n" + paths + "Message-ID: abcd\r\nByte-Range: 1-*/9\r\nContent-Type: text/plain\r\n\r\nx\r\n-------t0smbcp1#\r\n", "x"},
		"unknown length": {"MSRP t0smbcp1 SEND\r\n" + paths + "Message-ID: abcd\r\nByte-Range: 1-*/*\r\nContent-Type: text/plain\r\n\r\n\r\n-------t0smbcp1$\r\n", ""},
	} {
		f, err := parseFrame(tc.text)
		if err != nil || string(f.body) != tc.body {
			t.Errorf("%s: %v, %q", name, err, f.body)
			continue
		}
		var again strings.Builder
		if err := f.write(&again, 3); err != nil || name != "bare status" && name != "unknown length" && again.String() != tc.text {
			t.Errorf("%s is written as\n%s", name, again.String())
		}
	}
}

// TestReadFrameRefuses breaks a good request in every way that the reader judges.
func TestReadFrameRefuses(t *testing.T) {
	good := "MSRP 20e0a7597053427d SEND\r\n" + paths + "Message-ID: 284dff1efb541588\r\nByte-Range: 1-5/5\r\nContent-Type: text/plain\r\n\r\nhello\r\n-------20e0a7597053427d$\r\n"
	if _, err := parseFrame(good); err != nil {
		t.Fatal(err)
	}
	toPath, fromPath, _ := strings.Cut(strings.TrimSuffix(paths, "\r\n"), "\r\n")
	for name, change := range map[string][2]string{
		"paths in the other order":   {paths, fromPath + "\r\n" + toPath + "\r\n"},
		"a header before the paths":  {paths, "Message-ID: x123\r\n" + paths},
		"two blanks":                 {"MSRP 20e0a7597053427d SEND", "MSRP 20e0a7597053427d  SEND"},
		"a short id":                 {"20e0a7597053427d", "abc"},
		"bare LF":                    {"SEND\r\n", "SEND\n"},
		"no blank behind the colon":  {"Message-ID: ", "Message-ID:"},
		"no Message-ID":              {"Message-ID: 284dff1efb541588\r\n", ""},
		"two Message-IDs":            {"Message-ID: 284dff1efb541588\r\n", "Message-ID: 284dff1efb541588\r\nMessage-ID: 284dff1efb541588\r\n"},
		"no Byte-Range":              {"Byte-Range: 1-5/5\r\n", ""},
		"a range of more":            {"1-5/5", "1-6/6"},
		"a range of less":            {"1-5/5", "1-4/4"},
		"not the last":               {"1-5/5", "1-5/6"},
		"a last one with more":       {"53427d$", "53427d+"},
		"a range from 0":             {"1-5/5", "0-4/5"},
		"no Content-Type":            {"Content-Type: text/plain\r\n", ""},
		"Content-Type in between":    {"Byte-Range: 1-5/5\r\nContent-Type: text/plain\r\n", "Content-Type: text/plain\r\nByte-Range: 1-5/5\r\n"},
		"no type":                    {"text/plain", "text"},
		"the end-line in the body":   {"1-5/5\r\nContent-Type: text/plain\r\n\r\nhello", "1-24/24\r\nContent-Type: text/plain\r\n\r\na-------20e0a7597053427d"},
		"another flag":               {"53427d$", "53427d!"},
		"something behind the flag":  {"53427d$", "53427d$ "},
		"a report header of no word": {"Byte-Range", "Success-Report: maybe\r\nByte-Range"},
		"too long not to be stopped": {"1-5/5\r\nContent-Type: text/plain\r\n\r\nhello", "1-2049/2049\r\nContent-Type: text/plain\r\n\r\n" + strings.Repeat("x", 2049)},
		"a path without a port":      {"127.0.0.1:2856/b", "127.0.0.1/b"},
		"a path without a session":   {"127.0.0.1:2856/b", "127.0.0.1:2856"},
	} {
		text := strings.ReplaceAll(good, change[0], change[1])
		if text == good {
			t.Errorf("%s changes nothing", name)
		}
		if f, err := parseFrame(text); err == nil {
			t.Errorf("%s is taken: %+v", name, f)
		}
	}
}

// TestReadCPIM reads the examples of RFC 3862 and breaks them.
func TestReadCPIM(t *testing.T) {
	good := "From: MR SANDERS <im:piglet@100akerwood.com>\r\nTo: Depressed Donkey <im:eeyore@100akerwood.com>\r\nDateTime: 2000-12-13T13:40:00-08:00\r\n" +
		"Subject: the weather will be fine today\r\nNS: MyFeatures <mid:MessageFeatures@id.foo.com>\r\nRequire: MyFeatures.VitalMessageOption\r\nMyFeatures.VitalMessageOption: Confirmation-requested\r\n\r\n" +
		"Content-type: text/xml; charset=utf-8\r\nContent-ID: <1234567890@foo.com>\r\n\r\n<body>\r\n\r\nHere\r\n</body>"
	c, err := parseCPIM(good)
	if err != nil || c.From != "im:piglet@100akerwood.com" || c.ContentType != "text/xml; charset=utf-8" || !strings.HasPrefix(c.Body, "<body>\r\n\r\nHere") {
		t.Errorf("%v, %+v", err, c)
	}
	for name, change := range map[string][2]string{
		"no From":              {"From: MR SANDERS <im:piglet@100akerwood.com>\r\n", ""},
		"From in lower case":   {"From: ", "from: "},
		"no angle brackets":    {"<im:piglet@100akerwood.com>", "im:piglet@100akerwood.com"},
		"no blank":             {"DateTime: ", "DateTime:"},
		"a time without zone":  {"-08:00", ""},
		"two times":            {"DateTime: 2000-12-13T13:40:00-08:00\r\n", "DateTime: 2000-12-13T13:40:00-08:00\r\nDateTime: 2000-12-13T13:40:00-08:00\r\n"},
		"an unknown header":    {"Subject", "Topic"},
		"an unknown namespace": {"NS: MyFeatures ", "NS: Other "},
		"no Content-Type":      {"Content-type: text/xml; charset=utf-8\r\n", ""},
		"no MIME headers":      {"Content-type: text/xml; charset=utf-8\r\nContent-ID: <1234567890@foo.com>\r\n\r\n", ""},
	} {
		text := strings.Replace(good, change[0], change[1], 1)
		if c, err := parseCPIM(text); text == good || err == nil {
			t.Errorf("%s is taken: %+v", name, c)
		}
	}
}

// TestReadSDP reads a good description and breaks it.
func TestReadSDP(t *testing.T) {
	good := "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=message 2855 TCP/MSRP *\r\na=accept-types:message/cpim text/* *\r\n" +
		"a=accept-wrapped-types:text/* *\r\na=path:msrp://127.0.0.1:2855/abc;tcp\r\na=setup:actpass\r\n"
	m, err := parseSDP(good)
	if err != nil || m.path != "msrp://127.0.0.1:2855/abc;tcp" || len(m.acceptTypes) != 3 || len(m.acceptWrapped) != 2 || m.setup != "actpass" {
		t.Fatalf("%v, %+v", err, m)
	}
	for name, change := range map[string][2]string{
		"no types":          {"a=accept-types:message/cpim text/* *\r\n", ""},
		"no path":           {"a=path:msrp://127.0.0.1:2855/abc;tcp\r\n", ""},
		"another port":      {"message 2855", "message 2856"},
		"another host":      {"c=IN IP4 127.0.0.1", "c=IN IP4 127.0.0.2"},
		"port 0":            {"message 2855", "message 0"},
		"no session name":   {"s=-\r\n", ""},
		"another order":     {"s=-\r\nc=IN IP4 127.0.0.1\r\n", "c=IN IP4 127.0.0.1\r\ns=-\r\n"},
		"another transport": {"TCP/MSRP", "TCP/TLS/MSRP"},
		"no last newline":   {"a=setup:actpass\r\n", "a=setup:actpass"},
		"bare LF":           {"t=0 0\r\n", "t=0 0\n"},
	} {
		if m, err := parseSDP(strings.Replace(good, change[0], change[1], 1)); err == nil {
			t.Errorf("%s is taken: %+v", name, m)
		}
	}
}
