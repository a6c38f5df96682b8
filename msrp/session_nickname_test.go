package msrp

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestNickname sends NICKNAME requests to a session of a chat room.
func TestNickname(t *testing.T) {
	asked := make(chan string, 1)
	r := newRaw(t, Config{}, SessionConfig{Nickname: func(name string) error {
		asked <- name
		switch name {
		case "taken":
			return &StatusError{Code: StatusNicknameInUse}
		case "none":
			return &StatusError{Code: StatusForbidden, Reason: "No Nicknames Here"}
		case "no":
			return errors.New("no")
		}
		return nil
	}})
	long := strings.Repeat("x", MaxNickname)
	for value, want := range map[string]struct {
		code         int
		name, reason string
	}{
		`"Alice the great"`:        {200, "Alice the great", "OK"},
		`"a\"b\\c"`:                {200, `a"b\c`, "OK"},
		`"Zoë 😀"`:                  {200, "Zoë 😀", "OK"},
		"\"a\tb\"":                 {200, "a\tb", "OK"},
		`""`:                       {200, "", "OK"},
		`"` + long + `"`:           {200, long, "OK"},
		`"` + long[1:] + `\""`:     {200, long[1:] + `"`, "OK"},
		`"taken"`:                  {425, "taken", "Nickname reserved or already in use"},
		`"none"`:                   {403, "none", "No Nicknames Here"},
		`"no"`:                     {403, "no", ""},
		`Alice`:                    {424, "", ""},
		`"Alice`:                   {424, "", ""},
		`"`:                        {424, "", ""},
		`"a"b"`:                    {424, "", ""},
		`"a\b"`:                    {424, "", ""},
		`"a\"`:                     {424, "", ""},
		"\"a\x01b\"":               {424, "", ""},
		"\"a\x7fb\"":               {424, "", ""},
		"\"a\xffb\"":               {424, "", ""},
		`"` + long + `x"`:          {424, "", "Malformed nickname"},
		`"` + long[1:] + "ä" + `"`: {424, "", ""}, // 1024 bytes, 1023 characters
		``:                         {424, "", ""},
	} {
		for _, more := range [][]string{nil, {"Failure-Report: no"}} { // which has no place here
			lines := append([]string{"MSRP abcd1234 NICKNAME", "To-Path: " + r.s.Local().String(), "From-Path: " + r.me}, more...)
			r.Send(append(lines, "Use-Nickname: "+value, "-------abcd1234$")...)
			f := r.Next()
			if f.Code != want.code || want.reason != "" && f.Comment != want.reason || f.Get("To-Path") != r.me || f.Get("From-Path") != r.s.Local().String() {
				t.Errorf("%s: got %+v", value, f)
			}
			if want.code != 424 {
				if got := next(t, asked); got != want.name {
					t.Errorf("%s: asked for %q", value, got)
				}
			}
		}
	}
	r.Send("MSRP abcd1234 NICKNAME", "To-Path: "+r.s.Local().String(), "From-Path: "+r.me, "-------abcd1234$")
	r.want("abcd1234", 424)
}

// TestNicknameIsSent checks each line of a NICKNAME request.
func TestNicknameIsSent(t *testing.T) {
	s, p := sender(t, Config{})
	for name, value := range map[string]string{
		"Alice in Wonderland": `"Alice in Wonderland"`, `a"b\c`: `"a\"b\\c"`, "": `""`, "Zoë": `"Zoë"`,
		strings.Repeat("x", MaxNickname): `"` + strings.Repeat("x", MaxNickname) + `"`,
	} {
		ec := make(chan error, 1)
		go func() { ec <- s.Nickname(testCtx(t), name) }()
		f := p.Next()
		if f.Method != "NICKNAME" || f.Flag != '$' || f.Body != nil || len(f.Header) != 3 || f.Get("Use-Nickname") != value {
			t.Fatalf("got %+v", f)
		}
		p.Answer(f, 200, "OK")
		if err := next(t, ec); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, code := range []int{403, 424, 425, 501} {
		ec := make(chan error, 1)
		go func() { ec <- s.Nickname(testCtx(t), "x") }()
		p.Answer(p.Next(), code, "")
		var se *StatusError
		if err := next(t, ec); !errors.As(err, &se) || se.Code != code || code != 501 && code != 403 && se.Error() == "" {
			t.Errorf("%d: got %v", code, err)
		}
	}
	for _, name := range []string{"a\r\nb", "a\x00", "a\x7f", "a\tb", "a\xff", strings.Repeat("x", MaxNickname+1), strings.Repeat("ä", MaxNickname/2+1)} {
		var syntax *SyntaxError
		if err := s.Nickname(testCtx(t), name); !errors.As(err, &syntax) {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

// TestChatroom reads and writes the attribute.
func TestChatroom(t *testing.T) {
	const sdp = "v=0\r\no=chat 2890844527 2890844527 IN IP4 chat.example.com\r\ns=-\r\nc=IN IP4 chat.example.com\r\nt=0 0\r\na=chatroom:nickname\r\n" +
		"m=message 12763 TCP/MSRP *\r\na=accept-types:message/cpim\r\na=accept-wrapped-types:text/plain text/html *\r\n" +
		"a=path:msrp://chat.example.com:12763/kjhd37s2s20w2a;tcp\r\n"
	for attribute, want := range map[string]*Chatroom{
		"":                                     nil, // that of the session is none
		"a=chatroom":                           {},
		"a=chatroom:":                          {},
		"a=chatroom:nickname":                  {Nicknames: true},
		"a=chatroom:nickname private-messages": {Nicknames: true, PrivateMessages: true},
		"a=chatroom:private-messages  Nickname nickname":            {Nicknames: true, PrivateMessages: true},
		"a=chatroom:nicknames":                                      {Nicknames: true},
		"a=chatroom:nickname private-messages com.example.chat.foo": {Nicknames: true, PrivateMessages: true, Extensions: []string{"com.example.chat.foo"}},
		"a=chatroom:x y x a/b (c) private-message":                  {Extensions: []string{"x", "y", "private-message"}},
	} {
		m, err := ParseSDP([]byte(sdp + attribute + "\r\n"))
		if err != nil {
			t.Errorf("%s: %v", attribute, err)
			continue
		}
		checkChatroom(t, attribute, m.Chatroom, want)
		written, err := m.Offer()
		if err != nil {
			t.Errorf("%s: %v", attribute, err)
			continue
		}
		if n := strings.Count(string(written), "a=chatroom"); (n == 1) != (want != nil) || n > 1 {
			t.Errorf("%s: written as %s", attribute, written)
		}
		again, err := ParseSDP(written)
		if err != nil {
			t.Fatal(err)
		}
		checkChatroom(t, attribute, again.Chatroom, want)
	}
	for text, c := range map[string]*Chatroom{
		"a=chatroom\r\n": {},
		"a=chatroom:nickname private-messages x.y\r\n": {Nicknames: true, PrivateMessages: true, Extensions: []string{"x.y"}},
	} {
		m, _ := ParseSDP([]byte(sdp))
		m.Chatroom = c
		if b, err := m.Offer(); err != nil || !strings.Contains(string(b), "\r\n"+text) {
			t.Errorf("%+v: %s, %v", c, b, err)
		}
		if b, err := m.Answer([]byte(sdp)); err != nil || !strings.Contains(string(b), "\r\n"+text) { // to an offer without it
			t.Errorf("%+v: %s, %v", c, b, err)
		}
	}
	for _, c := range []*Chatroom{{Extensions: []string{"a b"}}, {Extensions: []string{"a\r\nb"}}, {Extensions: []string{""}}, {Extensions: []string{"a", "A"}},
		{Nicknames: true, Extensions: []string{"nickname"}}} {
		m, _ := ParseSDP([]byte(sdp))
		m.Chatroom = c
		if b, err := m.Offer(); err == nil {
			t.Errorf("%+v: written as %s", c, b)
		}
	}
}

func checkChatroom(t *testing.T, attribute string, got, want *Chatroom) {
	t.Helper()
	if (got == nil) != (want == nil) || got != nil && (got.Nicknames != want.Nicknames || got.PrivateMessages != want.PrivateMessages ||
		!slices.Equal(got.Extensions, want.Extensions)) {
		t.Errorf("%s: got %+v", attribute, got)
	}
}
