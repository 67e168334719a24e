package main

import (
	"net/http"
	"strings"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/functions/local/docs"
)

// withDocs puts the page of the API before next, with the demo site's tokens filled in.
func (s *server) withDocs(next http.Handler) (http.Handler, error) {
	document, err := deployment.OpenAPI()
	if err != nil {
		return nil, err
	}
	o := docs.Options{Host: s.apiAddress, AWS: s.awsAddress, Document: document}
	for _, who := range identities() {
		token, err := s.deployment.Token(who.claims)
		if err != nil {
			return nil, err
		}
		scope, _ := who.claims["scope"].(string)
		o.Identities = append(o.Identities, docs.Identity{
			Name: who.name, Variable: who.variable, Token: token, Scopes: strings.Fields(scope),
		})
	}
	page, err := docs.New(o)
	if err != nil {
		return nil, err
	}
	return page.Before(next), nil
}
