package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

// A rawCall is a call whose MSRP frames are written by hand, as many at once as its test
// wants.
type rawCall struct {
	call         *sipua.Call
	conn         net.Conn
	ours, theirs string
	frames       bytes.Buffer
}

// dialRaw calls somebody, and connects to whoever answers.
func dialRaw(ctx context.Context, ua *sipua.UA, proxy, from, to string) (*rawCall, error) {
	c := &rawCall{ours: fmt.Sprintf("msrp://127.0.0.1:9/%s;tcp", rand.Text())}
	call, err := ua.Invite(ctx, sipua.InviteRequest{
		URI: to, From: from, To: to, Destination: proxy, ContentType: "application/sdp",
		Body: fmt.Appendf(nil, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"+
			"m=message 9 TCP/MSRP *\r\na=path:%s\r\na=accept-types:*\r\na=setup:active\r\n", c.ours),
	})
	if err != nil {
		return nil, err
	}
	c.call = call
	media, err := c.connect(ctx)
	if err != nil {
		_ = c.bye() // the error says enough
		return nil, err
	}
	c.theirs = media.Path.String()
	return c, nil
}

func (c *rawCall) connect(ctx context.Context) (*msrp.Media, error) {
	if err := c.call.Ack(ctx, nil, ""); err != nil {
		return nil, err
	}
	media, err := msrp.ParseSDP(c.call.RemoteBody())
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	c.conn, err = d.DialContext(ctx, "tcp", net.JoinHostPort(media.Path[0].Host, strconv.Itoa(media.Path[0].Port)))
	return media, err
}

// add puts a whole message, with number n, behind those that are to be written.
func (c *rawCall) add(n int, id, body string) {
	c.frame(n, id, body, fmt.Sprintf("1-%d/%d", len(body), len(body)), '$')
}

// partNumber is that of a part in responses, which answers tells nothing of.
const partNumber = 999_999

// addPart adds the begin of a message of twice its length.
func (c *rawCall) addPart(begin string) {
	c.frame(partNumber, "part", begin, fmt.Sprintf("1-%d/%d", len(begin), 2*len(begin)), '+')
}

func (c *rawCall) frame(n int, id, body, rng string, flag byte) {
	fmt.Fprintf(&c.frames, "MSRP tx%06d SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: %s\r\nByte-Range: %s\r\n"+
		"Content-Type: text/plain\r\n\r\n%s\r\n-------tx%06d%c\r\n", n, c.theirs, c.ours, id, rng, body, n, flag)
}

// write writes all that was added, at once.
func (c *rawCall) write() error {
	_, err := c.conn.Write(c.frames.Bytes())
	return err
}

// answers tells of responses, by the numbers of their messages, until count have come or
// the connection ends. It reports false if that was silent for so long.
func (c *rawCall) answers(count int, silence time.Duration, told func(n, code int)) bool {
	lines := bufio.NewScanner(c.conn)
	for count > 0 {
		_ = c.conn.SetReadDeadline(time.Now().Add(silence))
		if !lines.Scan() {
			return !errors.Is(lines.Err(), os.ErrDeadlineExceeded)
		}
		tid, rest, ok := strings.Cut(strings.TrimPrefix(lines.Text(), "MSRP tx"), " ")
		if !ok || !strings.HasPrefix(lines.Text(), "MSRP tx") || len(rest) < 3 {
			continue
		}
		n, err := strconv.Atoi(tid)
		code, err2 := strconv.Atoi(rest[:3])
		if err == nil && err2 == nil && n != partNumber {
			told(n, code)
			count--
		}
	}
	return true
}

// bye ends the call.
func (c *rawCall) bye() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return c.call.Bye(ctx)
}
