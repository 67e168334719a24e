package permissions

import "testing"

func TestASCII(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"plain ~", "plain ~"},
		{"\u007f", `\u007f`},
		{"é€", `\u00e9\u20ac`},
		{"\uffff", `\uffff`},
		{"\U00010000", `\ud800\udc00`},
		{"😀", `\ud83d\ude00`},
	} {
		if got := ascii(c.text); got != c.want {
			t.Errorf("ascii(%q): got %s, want %s", c.text, got, c.want)
		}
	}
}
