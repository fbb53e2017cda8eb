// Language models behind a server: hosted ones, Ollama, llama.cpp and whatever else speaks the OpenAI protocol, through the `ai` SDK.
export { type ServerModelOptions, serverModel } from './models/server-model.ts';
