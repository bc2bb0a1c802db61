// Swagger UI with requests that can be tried. The validator badge is off: it would ask a public service.
SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#api',
  deepLinking: true,
  validatorUrl: null,
  oauth2RedirectUrl: new URL('docs/oauth2-redirect', window.location.href).href,
  presets: [SwaggerUIBundle.presets.apis],
});
