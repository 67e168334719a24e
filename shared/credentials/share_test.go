package credentials_test

import (
	"crypto/sha256"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/registry"
)

// identity is all that a request's credentials depend on, as texts that may join to the same.
type identity struct {
	site, user, actor, provider, providerRevision, connection, connectionRevision, policy string
}

func (i identity) request() credentials.Request {
	return request(func(r *credentials.Request) {
		r.Caller.Site, r.Caller.User, r.Caller.Actor = i.site, i.user, i.actor
		r.Opened.Provider.Name, r.Opened.Provider.Revision, r.Opened.State.Revision = i.provider, i.providerRevision, i.providerRevision
		r.Opened.Connection.Name, r.Opened.Connection.Revision = i.connection, i.connectionRevision
		r.Opened.Connection.Policy, r.Opened.Connection.PolicyDigest = i.policy, sha256.Sum256([]byte(i.policy))
	})
}

// drawIdentities cuts one text into the parts of an identity twice: alike, or with one cut elsewhere, so that the two differ
// only in where one part ends and the next begins, or with another part in one place.
func drawIdentities(rt *rapid.T) (one, other identity) {
	text := rapid.StringMatching(`[a*?$/#]{6,14}`).Draw(rt, "text")
	cuts := rapid.SliceOfN(rapid.IntRange(0, len(text)), parts-1, parts-1).Draw(rt, "cuts")
	slices.Sort(cuts)
	first, second := cut(text, cuts), cut(text, cuts)
	switch rapid.SampledFrom([]string{"alike", "moved", "replaced"}).Draw(rt, "how") {
	case "moved":
		cuts[rapid.IntRange(0, len(cuts)-1).Draw(rt, "which")] = rapid.IntRange(0, len(text)).Draw(rt, "cut")
		slices.Sort(cuts)
		second = cut(text, cuts)
	case "replaced":
		second[rapid.IntRange(0, parts-1).Draw(rt, "which")] = rapid.SampledFrom([]string{"", "a", "*"}).Draw(rt, "by")
	}
	return identityOf(first), identityOf(second)
}

const parts = 8

func cut(text string, cuts []int) (out [parts]string) {
	from := 0
	for i := range out {
		to := len(text)
		if i < len(cuts) {
			to = cuts[i]
		}
		out[i], from = text[from:to], to
	}
	return out
}

func identityOf(p [parts]string) identity {
	// A provider without a revision is not ready.
	return identity{p[0], p[1], p[2], p[3], "r" + p[4], p[5], p[6], p[7]}
}

// Whatever two requests differ in, they share no entry: neither in an instance's memory nor in the table.
func TestTrap3NoTwoThatDifferShareAnEntry(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		one, other := drawIdentities(rt)
		w := newWorld(t)
		broker := w.instance()
		first, _ := mustGet(t, broker, one.request())
		for _, asked := range []*credentials.Broker{broker, w.instance()} {
			second, _ := mustGet(t, asked, other.request())
			if shared := first.AccessKeyID == second.AccessKeyID; shared != (one == other) {
				rt.Fatalf("%+v and %+v share: %t", one, other, shared)
			}
		}
	})
}

// Only what is observed of a provider, and what is not the credentials' own, may differ between those who share.
func TestSharedEntryOfOneWhoIsTheSame(t *testing.T) {
	w := newWorld(t)
	broker := w.instance()
	first, _ := mustGet(t, broker, request())
	again, _ := mustGet(t, broker, request(func(r *credentials.Request) {
		r.Caller.Groups, r.Caller.Scopes = []string{"others"}, []string{"arngate/connect"}
		r.Opened.State.Trace = registry.TraceFull
	}))
	if first.AccessKeyID != again.AccessKeyID {
		t.Error("the same caller on the same connection has two sets of credentials")
	}
}
