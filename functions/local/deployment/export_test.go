package deployment

import "github.com/arngate/arngate/shared/config"

// Variables are the variables that each function's code reads, by logical id.
func Variables() (map[string][]config.Variable, error) {
	read := map[string][]config.Variable{}
	for _, f := range functions() {
		variables, err := f.variables()
		if err != nil {
			return nil, err
		}
		read[f.logicalID] = variables
	}
	return read, nil
}

// Routes are the routes that each function's code has operations for, as route keys, by logical id.
func Routes() map[string][]string {
	routes := map[string][]string{}
	for _, f := range functions() {
		api := blank()
		f.describe(api)
		if all := api.Routes(); len(all) > 0 {
			routes[f.logicalID] = all
		}
	}
	return routes
}
